"""What travels on an upgraded connection, as conversations without a socket."""

from __future__ import annotations

import pytest
from wsproto import ConnectionType
from wsproto.connection import Connection
from wsproto.events import BytesMessage, CloseConnection, Event, Message, Ping, Pong, TextMessage

from agent.runtime.base import STDERR, STDIN, STDOUT
from agent.streams import command_wire, port_wire
from agent.streams.carrier import Base64WebSocket, Plain, ProtocolError, WebSocket
from agent.streams.command_wire import SIZE, STATUS, ChannelMessages, CommandStreams
from agent.streams.port_wire import Connect, PortChannels, PortStreams
from orchestrator.api.meta import Object
from tests.fakes.spdy_client import Frame, SpdyClient, control, data, frames
from tests.fakes.websocket_frames import BINARY, CLOSE, CONTINUATION, PING, TEXT, close_code, frame


class WebSocketClient:
    def __init__(self) -> None:
        self._connection = Connection(ConnectionType.CLIENT)

    def send(self, event: Event | bytes) -> bytes:
        return self._connection.send(BytesMessage(event) if isinstance(event, bytes) else event)

    def receive(self, raw: bytes) -> list[object]:
        """Messages as bytes, other events as they are."""
        self._connection.receive_data(raw)
        return [event.data if isinstance(event, Message) else event for event in self._connection.events()]


def test_channels_of_a_websocket() -> None:
    client, wire = WebSocketClient(), ChannelMessages(WebSocket(), half_close=True)
    raw = client.send(b"\x00typed") + client.send(b'\x04{"Width":1}') + client.send(b"\xff\x00")
    assert list(wire.receive(raw)) == [
        command_wire.Received(STDIN, b"typed"),
        command_wire.Received(SIZE, b'{"Width":1}'),
        command_wire.Ended(STDIN),
    ]
    wire.send(STDOUT, b"out")
    wire.finish({})
    assert client.receive(wire.outgoing()) == [b"\x01out", b"\x03{}", CloseConnection(1000, "")]
    assert not wire.closed


def test_without_half_close_255_is_a_channel_as_any() -> None:
    client, wire = WebSocketClient(), ChannelMessages(WebSocket(), half_close=False)
    assert list(wire.receive(client.send(b"\xff\x00"))) == [command_wire.Received(255, b"\x00")]


def test_channels_in_base64() -> None:
    client, wire = WebSocketClient(), ChannelMessages(Base64WebSocket())
    assert list(wire.receive(client.send(TextMessage("0dHlwZWQ=")))) == [command_wire.Received(STDIN, b"typed")]
    wire.send(STDOUT, b"\xff\x00")
    assert client.receive(wire.outgoing()) == ["1/wA="]
    for nonsense in ("0*", "0dHlwZWQ", "é"):
        with pytest.raises(ProtocolError, match="base64"):
            list(wire.receive(client.send(TextMessage(nonsense))))


@pytest.mark.parametrize(("status", "said"), [({"status": "Success"}, []), ({"message": "broken"}, [b"\x03broken"])])
def test_before_v4_only_failures_are_told(status: Object, said: list[bytes]) -> None:
    client, wire = WebSocketClient(), ChannelMessages(WebSocket(), plain_status=True)
    wire.finish(status)
    assert client.receive(wire.outgoing()) == [*said, CloseConnection(1000, "")]


def test_pings_are_answered_and_messages_joined() -> None:
    client, carrier = WebSocketClient(), WebSocket()
    raw = (
        client.send(BytesMessage(b"\x00on", message_finished=False))
        + client.send(Ping(b"there?"))
        + client.send(BytesMessage(b"e"))
        + client.send(TextMessage("\x00text"))
    )
    got = [message for at in range(len(raw)) for message in carrier.receive(raw[at : at + 1])]
    assert got == [b"\x00one", b"\x00text"]
    assert client.receive(carrier.outgoing()) == [Pong(b"there?")]


def test_a_client_that_closes_is_answered() -> None:
    client, carrier = WebSocketClient(), WebSocket()
    assert list(carrier.receive(client.send(CloseConnection(1000)))) == []
    assert carrier.closed
    carrier.send(b"too late")
    carrier.close()
    assert client.receive(carrier.outgoing()) == [CloseConnection(1000, "")]
    assert list(carrier.receive(b"more")) == []


def test_a_websocket_that_is_none() -> None:
    carrier = WebSocket()
    assert list(carrier.receive(b"GET / HTTP/1.1\r\n")) == []
    assert carrier.closed
    (close,) = WebSocketClient().receive(carrier.outgoing())
    assert isinstance(close, CloseConnection)
    assert close.code == 1002


def test_channels_over_spdy() -> None:
    client, wire = SpdyClient(), CommandStreams(Plain(), frozenset({STDIN, STDOUT, STATUS}))
    status, first = client.open({"streamtype": "error"})
    stdin, second = client.open({"streamtype": "stdin"})
    assert list(wire.receive(first + second)) == []
    assert not wire.ready
    stdout, third = client.open({"streamtype": "stdout"})
    typed = data(stdin, b"typed") + data(stdin, fin=True)
    assert list(wire.receive(third + typed)) == [command_wire.Received(STDIN, b"typed"), command_wire.Ended(STDIN)]
    assert wire.ready
    assert [frame.kind for frame in frames(wire.outgoing())] == ["2", "2", "2"]
    wire.send(STDOUT, b"out")
    wire.send(STDERR, b"nobody asked for it")
    wire.finish({})
    said = list(frames(wire.outgoing()))
    assert said[:2] == [Frame("data", stdout, False, b"out"), Frame("data", status, False, b"{}")]
    assert {frame.stream for frame in said[2:] if frame.fin} == {status, stdin, stdout}


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        pytest.param([frame(BINARY, b"x", masked=False)], 1002, id="not masked"),
        pytest.param([frame(BINARY, b"x", reserved=4)], 1002, id="reserved bit"),
        pytest.param([frame(3)], 1002, id="unknown opcode"),
        pytest.param([frame(PING, b"x" * 126)], 1002, id="long ping"),
        pytest.param([frame(PING, fin=False)], 1002, id="ping in parts"),
        pytest.param([frame(CONTINUATION, b"x")], 1002, id="nothing to continue"),
        pytest.param([frame(BINARY, fin=False), frame(BINARY)], 1002, id="message within a message"),
        pytest.param([frame(CLOSE, b"\3\xed")], 1002, id="a code that nobody may send"),
        pytest.param([frame(BINARY, length=1 << 63)], 1002, id="a length below zero"),
        pytest.param([frame(TEXT, b"text")], 1003, id="text where bytes are carried"),
        pytest.param([frame(TEXT, b"\xff")], 1007, id="text that is none"),
        pytest.param([frame(BINARY, length=1 << 40), *[bytes(1 << 20)] * 33], 1009, id="an endless message"),
        pytest.param(
            [frame(BINARY, fin=False), *[frame(CONTINUATION, bytes(1 << 20), fin=False)] * 33], 1009, id="parts"
        ),
    ],
)
def test_a_websocket_is_closed_with_the_right_code(sent: list[bytes], code: int) -> None:
    carrier = WebSocket(text=False)
    try:
        for piece in sent:
            list(carrier.receive(piece))
    except ProtocolError as error:
        carrier.close(error)
    assert close_code(carrier.outgoing()) == code


def resets(raw: bytes) -> list[tuple[int, int]]:
    """(stream, why) of each RST_STREAM."""
    return [(frame.stream, int.from_bytes(frame.body, "big")) for frame in frames(raw) if frame.kind == "3"]


def test_spdy_streams_of_another_sort_are_refused() -> None:
    client, wire = SpdyClient(), CommandStreams(Plain(), frozenset({STATUS}))
    strange, first = client.open({"streamtype": "telepathy"})
    _, second = client.open({"streamtype": "stdin"})
    again, third = client.open({"streamtype": "stdin"})
    assert list(wire.receive(first + second + third + data(99, b"x"))) == []
    assert resets(wire.outgoing()) == [(strange, 3), (again, 3), (99, 2)]


@pytest.mark.parametrize(
    "nonsense",
    [control(6, b"\0\0\0\1", version=2), SpdyClient(next_stream=2).open({"streamtype": "stdin"})[1]],
    ids=["another version", "a server's stream"],
)
def test_no_spdy_is_gone_away_from(nonsense: bytes) -> None:
    client, wire = SpdyClient(), CommandStreams(Plain(), frozenset({STATUS}))
    stream, raw = client.open({"streamtype": "error"})
    list(wire.receive(raw))
    wire.outgoing()
    with pytest.raises(ProtocolError) as caught:
        list(wire.receive(nonsense))
    wire.fail(caught.value)
    assert list(frames(wire.outgoing())) == [Frame("7", stream, False, b"\0\0\0\1")]


def open_port(client: SpdyClient, request: int, port: str = "80") -> tuple[int, int, bytes]:
    """The error stream, the data stream, and the frames that open them, as kubectl does."""
    headers = {"port": port, "requestid": str(request)}
    errors, first = client.open({"streamtype": "error", **headers})
    content, second = client.open({"streamtype": "data", **headers})
    return errors, content, first + data(errors, fin=True) + second


def test_ports_over_spdy() -> None:
    client, wire = SpdyClient(), PortStreams(Plain())
    errors, one, raw = open_port(client, 0)
    _, two, more = open_port(client, 1, "443")
    assert list(wire.receive(raw + more)) == [Connect(one, 80), Connect(two, 443)]
    said = list(wire.receive(data(one, b"GET") + data(one, fin=True)))
    assert said == [port_wire.Received(one, b"GET"), port_wire.Ended(one)]
    wire.outgoing()
    wire.send(one, b"page")
    wire.end(one, "oh")
    wire.end(one)
    assert list(frames(wire.outgoing())) == [
        Frame("data", one, False, b"page"),
        Frame("data", errors, False, b"oh"),
        Frame("data", one, True, b""),
        Frame("data", errors, True, b""),
    ]


def test_a_dropped_connection_is_forgotten() -> None:
    client, wire = SpdyClient(), PortStreams(Plain())
    _, one, raw = open_port(client, 0)
    reset = control(3, one.to_bytes(4, "big") + b"\0\0\0\5")
    assert list(wire.receive(raw + reset + data(one, b"late"))) == [Connect(one, 80), port_wire.Dropped(one)]
    wire.outgoing()
    wire.end(one)
    assert wire.outgoing() == b""


def test_spdy_within_websocket_messages() -> None:
    """kubectl cuts a frame anywhere, and sends empty messages too."""
    client, spdy_client, wire = WebSocketClient(), SpdyClient(), PortStreams(WebSocket())
    _, one, raw = open_port(spdy_client, 0)
    cut = client.send(raw[:11]) + client.send(b"") + client.send(raw[11:])
    assert list(wire.receive(cut)) == [Connect(one, 80)]
    answer = b"".join(message for message in client.receive(wire.outgoing()) if isinstance(message, bytes))
    assert [frame.kind for frame in frames(answer)] == ["2", "2"]


@pytest.mark.parametrize("port", ["", "0", "65536", "http", "-1", "\xb2", "9" * 5000])
def test_no_port(port: str) -> None:
    wire = PortStreams(Plain())
    _, content, raw = open_port(SpdyClient(), 0, port)
    assert list(wire.receive(raw)) == []
    assert resets(wire.outgoing()) == [(content, 3)]
    with pytest.raises(ProtocolError, match="is no port"):
        port_wire.parse_port(port)


def test_a_client_opens_no_end_of_streams() -> None:
    client, wire = SpdyClient(), PortStreams(Plain())
    halves = [client.open({"streamtype": "error", "requestid": str(number)}) for number in range(200)]
    assert list(wire.receive(b"".join(raw for _, raw in halves))) == []
    refused = [stream for stream, _ in resets(wire.outgoing())]
    assert refused == [stream for stream, _ in halves[100:]]
    given_up = b"".join(control(3, stream.to_bytes(4, "big") + b"\0\0\0\5") for stream, _ in halves[:100])
    _, one, raw = open_port(client, 500)
    assert list(wire.receive(given_up + raw)) == [Connect(one, 80)]


def test_ports_as_channels() -> None:
    client, wire = WebSocketClient(), PortChannels(WebSocket(), [80, 443])
    assert client.receive(wire.outgoing()) == [b"\0P\0", b"\1P\0", b"\2\xbb\1", b"\3\xbb\1"]
    assert list(wire.receive(b"")) == [Connect(0, 80), Connect(1, 443)]
    assert list(wire.receive(client.send(b"\2hello") + client.send(b"\2"))) == [port_wire.Received(1, b"hello")]
    wire.send(1, b"answer")
    wire.end(0, "refused")
    assert not wire.closed
    wire.end(1)
    assert wire.closed
    assert client.receive(wire.outgoing()) == [b"\2answer", b"\1refused", CloseConnection(1000, "")]
