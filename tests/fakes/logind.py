"""A system bus with systemd-logind on it, as far as who holds up a shutdown needs them (D-Bus specification)."""

from __future__ import annotations

import os
import socket
import threading
from array import array
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from jeepney import DBusAddress, HeaderFields, Message, MessageType, Parser, new_error, new_method_return, new_signal

_LOGIN = DBusAddress("/org/freedesktop/login1", interface="org.freedesktop.login1.Manager")


class FakeLogind:
    """`delay` in seconds is its InhibitDelayMaxSec; `refuse` has it refuse locks. `reasons` are what locks were asked
    with."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "bus"
        self.delay, self.refuse = 5.0, False
        self.reasons: list[tuple[str, ...]] = []
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(self.path))
        self._listener.listen()
        self._clients: list[socket.socket] = []
        self._lock: int | None = None
        self._serial = iter(range(1, 1 << 30))
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def address(self) -> str:
        return f"unix:path={self.path}"

    @property
    def held(self) -> bool:
        """Whether somebody holds a lock: the other end of its pipe is open."""
        if self._lock is None:
            return False
        try:
            return os.read(self._lock, 1) != b""
        except BlockingIOError:
            return True

    def prepare(self, begins: bool) -> None:
        """Tell that the machine goes down, or does not after all."""
        signal = new_signal(_LOGIN, "PrepareForShutdown", "b", (begins,))
        signal.header.fields[HeaderFields.sender] = ":1.1"
        self._clients[-1].sendall(signal.serialise(next(self._serial)))

    def hang_up(self) -> None:
        """The bus is started anew."""
        for client in self._clients:
            with suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._listener.close()
        self.hang_up()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self._authenticate(client)
                self._clients.append(client)
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    @staticmethod
    def _authenticate(client: socket.socket) -> None:
        lines = client.makefile("rb", buffering=0)
        while (line := lines.readline()) != b"BEGIN\r\n":
            client.sendall(b"AGREE_UNIX_FD\r\n" if b"NEGOTIATE" in line else b"OK 1234deadbeef\r\n")

    def _serve(self, client: socket.socket) -> None:
        parser = Parser()
        with suppress(OSError):
            while data := client.recv(4096):
                parser.add_data(data)
                while (message := parser.get_next_message()) is not None:
                    self._answer(client, message)

    def _answer(self, client: socket.socket, message: Message) -> None:
        assert message.header.message_type == MessageType.method_call
        member = message.header.fields[HeaderFields.member]
        answers: dict[str, Callable[[], Message]] = {
            "Hello": lambda: new_method_return(message, "s", (":1.7",)),
            "AddMatch": lambda: new_method_return(message),
            "Get": lambda: new_method_return(message, "v", (("t", int(self.delay * 1e6)),)),
        }
        if member == "Inhibit":
            self._inhibit(client, message)
        else:
            client.sendall(answers[member]().serialise(next(self._serial)))

    def _inhibit(self, client: socket.socket, message: Message) -> None:
        if self.refuse:
            error = new_error(message, "org.freedesktop.DBus.Error.AccessDenied", "s", ("Access denied",))
            client.sendall(error.serialise(next(self._serial)))
            return
        self.reasons.append(message.body)
        reading, writing = os.pipe()
        os.set_blocking(reading, False)
        self._lock = reading
        passed = array("i")
        data = new_method_return(message, "h", (writing,)).serialise(next(self._serial), fds=passed)
        client.sendmsg([data], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, passed)])
        os.close(writing)


@contextmanager
def fake_logind(folder: Path) -> Iterator[FakeLogind]:
    made = FakeLogind(folder)
    try:
        yield made
    finally:
        made.close()
