"""exec, attach and port-forward at the agent's server, over real HTTPS with a fake engine, as clients speak them."""

from __future__ import annotations

import base64
import http.client
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace

import orjson
import pytest
import websocket

from agent.runtime.fake import FakeRuntime
from agent.streams import command
from orchestrator.util import pki
from orchestrator.util.clock import SystemClock
from orchestrator.util.identity import Identity
from tests.fakes.agent import Lab, eventually, lab
from tests.fakes.pods import container, pod
from tests.fakes.spdy_client import Frame, SpdyClient, data, frames

EXEC = "/exec/default/web/app"
V5, V4 = "v5.channel.k8s.io", "v4.channel.k8s.io"
SUCCESS = {"metadata": {}, "status": "Success"}


class HereRuntime(FakeRuntime):
    """Its pods have this machine's address, so that their ports can be connected to."""

    def start(self, id: str) -> None:
        super().start(id)
        made = self._get(id)
        if made.state.ip:
            made.state = replace(made.state, ip="127.0.0.1")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with lab(tmp_path_factory.mktemp("home"), runtime=HereRuntime(SystemClock())) as made:
        made.start()
        made.create(pod("web", container(args=["echo"], stdin=True)))
        made.create(pod("done", container(args=["exit:0"]), restartPolicy="Never"))
        eventually(lambda: made.ready("web"))
        eventually(lambda: made.pod("done")["status"].get("phase") == "Succeeded")
        yield made


@pytest.fixture(scope="module")
def apiserver(world: Lab) -> Identity:
    return pki.ensure(world.settings.pki, "apiserver", "kube-apiserver")


@pytest.fixture
def secured(world: Lab, apiserver: Identity) -> Iterator[ssl.SSLSocket]:
    """A connection to the agent."""
    with dial(world, apiserver) as sock:
        yield sock


def dial(world: Lab, identity: Identity) -> ssl.SSLSocket:
    context = ssl.create_default_context(cafile=str(world.identity.ca))
    context.load_cert_chain(identity.certificate, identity.key)
    assert world.agent is not None
    plain = socket.create_connection(("127.0.0.1", world.agent.port), timeout=10)
    return context.wrap_socket(plain, server_hostname="127.0.0.1")


def open_websocket(sock: ssl.SSLSocket, path: str, protocol: str) -> websocket.WebSocket:
    opened = websocket.WebSocket()
    opened.connect(f"wss://127.0.0.1{path}", socket=sock, subprotocols=[protocol] if protocol else None)
    assert opened.getsubprotocol() == (protocol or None)
    return opened


def messages(opened: websocket.WebSocket) -> tuple[dict[int, bytes], int]:
    """What comes by channel, and the code of the close at the end."""
    said: dict[int, bytes] = {}
    while True:
        opcode, message = opened.recv_data()
        if opcode == websocket.ABNF.OPCODE_CLOSE:
            return said, int.from_bytes(message[:2], "big")
        said[message[0]] = said.get(message[0], b"") + message[1:]


def test_output_and_exit_code(secured: ssl.SSLSocket) -> None:
    query = "command=print:out&command=error:err&command=exit:3&stdout=1&stderr=1"
    said, code = messages(open_websocket(secured, f"{EXEC}?{query}", V5))
    assert (said[1], said[2], code) == (b"out\n", b"err\n", 1000)
    status = orjson.loads(said[3])
    assert (status["status"], status["reason"]) == ("Failure", "NonZeroExitCode")
    assert status["details"]["causes"] == [{"reason": "ExitCode", "message": "3"}]


@pytest.mark.parametrize("protocol", ["", "channel.k8s.io"])
def test_before_v4(secured: ssl.SSLSocket, protocol: str) -> None:
    said, _ = messages(open_websocket(secured, f"{EXEC}?command=print:out&command=exit:3&stdout=1", protocol))
    assert said == {1: b"out\n", 3: b"command terminated with non-zero exit code: exit status 3"}


@pytest.mark.parametrize("protocol", ["v4.base64.channel.k8s.io", "base64.channel.k8s.io"])
def test_in_text(secured: ssl.SSLSocket, protocol: str) -> None:
    opened = open_websocket(secured, "/attach/default/web/app?stdin=1&stdout=1", protocol)
    opened.send("0" + base64.b64encode(b"typed").decode())
    assert opened.recv() == "1" + base64.b64encode(b"typed").decode()
    opened.close()


def test_input_ends_by_itself(secured: ssl.SSLSocket) -> None:
    opened = open_websocket(secured, f"{EXEC}?command=echo&stdin=1&stdout=1", V5)
    opened.ping("there?")
    opened.send_binary(b"\0" + b"x" * 100_000)
    opened.send_binary(b"\xff\0")
    said, _ = messages(opened)
    assert said[1] == b"x" * 100_000
    assert orjson.loads(said[3]) == SUCCESS


def test_the_terminals_size(secured: ssl.SSLSocket) -> None:
    opened = open_websocket(secured, f"{EXEC}?command=echo&command=sizes&stdin=1&stdout=1&stderr=1&tty=1", V4)
    for size in (b'{"Width":0,"Height":0}', b'{"Width":80,"Height":24}'):
        opened.send_binary(b"\4" + size)
    assert opened.recv() == b"\x0180x24\n"
    opened.close()


def test_attach(secured: ssl.SSLSocket) -> None:
    opened = open_websocket(secured, "/attach/default/web/app?stdin=1&stdout=1", V5)
    opened.send_binary(b"\0typed")
    assert opened.recv() == b"\1typed"
    opened.close()


def test_who_attaches_at_once_misses_nothing(world: Lab, secured: ssl.SSLSocket) -> None:
    world.create(pod("greeter", container(args=["hang", "print:hello"], stdin=True)))
    eventually(lambda: world.ready("greeter"))
    opened = open_websocket(secured, "/attach/default/greeter/app?stdin=1&stdout=1", V5)
    assert opened.recv() == b"\1hello\n"
    opened.close()


class Spdy:
    """A connection upgraded to SPDY."""

    def __init__(self, sock: ssl.SSLSocket, path: str, *versions: str) -> None:
        self.client, self._socket = SpdyClient(), sock
        offers = "".join(f"X-Stream-Protocol-Version: {', '.join(versions)}\r\n")
        sock.sendall(
            f"POST {path} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n{offers}\r\n".encode()
        )
        self._rest = b""
        while b"\r\n\r\n" not in self._rest:
            self._rest += sock.recv(1 << 16)
        head, _, self._rest = self._rest.partition(b"\r\n\r\n")
        self.head = head.decode()

    def open(self, **headers: str) -> int:
        stream, raw = self.client.open(headers)
        self._socket.sendall(raw)
        return stream

    def send(self, stream: int, content: bytes = b"", *, fin: bool = False) -> None:
        self._socket.sendall(data(stream, content, fin=fin))

    def frame(self) -> Frame:
        while len(self._rest) < 8 or len(self._rest) < 8 + int.from_bytes(self._rest[5:8], "big"):
            piece = self._socket.recv(1 << 16)
            assert piece, "ended"
            self._rest += piece
        length = 8 + int.from_bytes(self._rest[5:8], "big")
        (frame,) = frames(self._rest[:length])
        self._rest = self._rest[length:]
        return frame

    def all(self, stream: int) -> bytes:
        """What comes on a stream, to its end."""
        said = b""
        while not (frame := self.frame()).fin or frame.stream != stream:
            said += frame.body if frame.stream == stream and frame.kind == "data" else b""
        return said


def test_exec_over_spdy(secured: ssl.SSLSocket) -> None:
    spdy = Spdy(secured, f"{EXEC}?command=echo&stdin=1&stdout=1", V5, V4, "channel.k8s.io")
    assert spdy.head.startswith("HTTP/1.1 101 ")
    assert f"X-Stream-Protocol-Version: {V4}" in spdy.head
    status, stdin, stdout = (spdy.open(streamtype=sort) for sort in ("error", "stdin", "stdout"))
    spdy.send(stdin, b"typed")
    spdy.send(stdin, fin=True)
    said = b""
    while (frame := spdy.frame()).stream != status or frame.kind != "data":
        said += frame.body if frame.kind == "data" and frame.stream == stdout else b""
    assert said == b"typed"
    assert orjson.loads(frame.body) == SUCCESS


@pytest.fixture
def upper() -> Iterator[int]:
    """The port of a server that gives back in capitals what it gets, until the end."""

    def serve(connection: socket.socket) -> None:
        with connection, suppress(ConnectionError):
            while piece := connection.recv(1 << 16):
                connection.sendall(piece.upper())

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=(connection,), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=accept, daemon=True).start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)


def test_port_forward_over_spdy(secured: ssl.SSLSocket, upper: int) -> None:
    spdy = Spdy(secured, "/portForward/default/web", "portforward.k8s.io")
    pairs = []
    for request in range(20):
        headers = {"port": str(upper), "requestid": str(request)}
        spdy.send(spdy.open(streamtype="error", **headers), fin=True)
        pairs.append(spdy.open(streamtype="data", **headers))
    for stream in pairs:
        spdy.send(stream, f"stream {stream}".encode())
    said: dict[int, bytes] = {}
    while len(said) < len(pairs):
        frame = spdy.frame()
        if frame.kind == "data":
            said[frame.stream] = frame.body
    assert said == {stream: f"STREAM {stream}".encode() for stream in pairs}
    spdy.send(pairs[0], fin=True)
    assert spdy.all(pairs[0]) == b""


def test_a_connection_that_takes_nothing_does_not_hold_up_the_others(secured: ssl.SSLSocket, upper: int) -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        spdy = Spdy(secured, "/portForward/default/web", "portforward.k8s.io")
        stalled, lively = (forwarded(spdy, port) for port in (deaf.getsockname()[1], upper))
        for _ in range(7 * 16):
            spdy.send(stalled, b"x" * (1 << 16))
        spdy.send(lively, b"and yet")
        while (frame := spdy.frame()).kind != "data" or frame.stream != lively:
            continue
        assert frame.body == b"AND YET"


def forwarded(spdy: Spdy, port: int) -> int:
    """The data stream of a connection to the pod's port."""
    headers = {"port": str(port), "requestid": str(port)}
    spdy.open(streamtype="error", **headers)
    return spdy.open(streamtype="data", **headers)


def dialled(sock: ssl.SSLSocket, path: str) -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection("127.0.0.1")
    connection.sock = sock
    connection.request("GET", path, headers={"Connection": "Upgrade", "Upgrade": "tcp"})
    return connection.getresponse()


def test_dial(secured: ssl.SSLSocket, upper: int) -> None:
    assert dialled(secured, f"/dial/http/default/web/{upper}").status == 101
    secured.sendall(b"typed")
    assert secured.recv(100) == b"TYPED"


def test_dial_nobody(secured: ssl.SSLSocket) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        answer = dialled(secured, f"/dial/http/default/web/{port}")
    message = f"error trying to reach service: dial tcp 127.0.0.1:{port}: connect: connection refused"
    assert (answer.status, orjson.loads(answer.read())["message"]) == (503, message)


def test_dial_what_has_no_tls(secured: ssl.SSLSocket, upper: int) -> None:
    answer = dialled(secured, f"/dial/https/default/web/{upper}")
    assert (answer.status, "tls: " in orjson.loads(answer.read())["message"]) == (503, True)


def test_port_forward_to_nobody(secured: ssl.SSLSocket) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = str(unused.getsockname()[1])
        spdy = Spdy(secured, "/portForward/default/web", "portforward.k8s.io")
        errors = spdy.open(streamtype="error", port=port, requestid="0")
        spdy.open(streamtype="data", port=port, requestid="0")
        said = spdy.all(errors).decode()
    assert said == f"error forwarding port {port} to pod web: dial tcp 127.0.0.1:{port}: connect: connection refused"


@pytest.mark.parametrize("protocol", [V4, ""])
def test_port_forward_on_channels(secured: ssl.SSLSocket, upper: int, protocol: str) -> None:
    opened = open_websocket(secured, f"/portForward/default/web?ports={upper}", protocol)
    port = upper.to_bytes(2, "little")
    assert [opened.recv(), opened.recv()] == [b"\0" + port, b"\1" + port]
    opened.send_binary(b"\0hello")
    assert opened.recv() == b"\0HELLO"
    opened.close()


@pytest.mark.parametrize(
    ("path", "protocol", "code", "message"),
    [
        ("/exec/default/none/app?command=a&stdout=1", V5, 404, 'pod "none" not found on this node'),
        ("/exec/default/done/app?command=a&stdout=1", V5, 500, 'container not found ("app")'),
        (f"{EXEC}?stdout=1", V5, 400, "you must specify a command"),
        (f"{EXEC}?command=a", V5, 400, "you must specify at least 1 of stdin, stdout, stderr"),
        (f"{EXEC}?command=a&stdout=1", "v9", 400, "unable to negotiate protocol: client supports ['v9']"),
        ("/portForward/default/web?ports=0", V4, 400, "ports: '0' is no port"),
        ("/portForward/default/web", V4, 400, "at least one port must be specified"),
    ],
)
def test_refusals_come_before_the_upgrade(
    world: Lab, apiserver: Identity, path: str, protocol: str, code: int, message: str
) -> None:
    with dial(world, apiserver) as sock:
        connection = http.client.HTTPConnection("127.0.0.1")
        connection.sock = sock
        key = base64.b64encode(bytes(16)).decode()
        connection.request(
            "GET",
            path,
            headers={
                "Connection": "Upgrade",
                "Upgrade": "websocket",
                "Sec-WebSocket-Version": "13",
                "Sec-WebSocket-Key": key,
                "Sec-WebSocket-Protocol": protocol,
            },
        )
        answer = connection.getresponse()
        status = orjson.loads(answer.read())
    assert (answer.status, status["kind"]) == (code, "Status")
    assert message in status["message"]


def test_who_breaks_the_rules_is_told_and_let_go(secured: ssl.SSLSocket) -> None:
    opened = open_websocket(secured, f"{EXEC}?command=echo&stdin=1&stdout=1&tty=1", V5)
    opened.send_binary(b"\x04{}")
    opcode, message = opened.recv_data()
    assert (opcode, int.from_bytes(message[:2], "big")) == (websocket.ABNF.OPCODE_CLOSE, 1002)
    assert b"a terminal size that cannot be read" in message
    opened.send_close()
    assert secured.recv(1) == b""


def test_streams_that_are_never_opened_are_not_waited_for(
    secured: ssl.SSLSocket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "CREATION_TIMEOUT", 0.2)
    spdy = Spdy(secured, f"{EXEC}?command=echo&stdin=1&stdout=1", V4)
    assert spdy.frame().kind == "7"
    assert secured.recv(1) == b""
