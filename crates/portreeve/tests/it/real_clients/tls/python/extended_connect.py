"""WebSockets over HTTP/2 (RFC 8441), by the package h2: several on one connection, beside a plain request.

With `pause` it says that they are open, and goes on when a line comes in.
"""

import os
import socket
import ssl
import sys

import h2.config
import h2.connection
import h2.events
import h2.settings

port = int(sys.argv[1])
trusted = ssl.create_default_context(cafile=sys.argv[2])
trusted.set_alpn_protocols(["h2"])
wire = trusted.wrap_socket(socket.create_connection(("127.0.0.1", port), timeout=30), server_hostname="app.test")
assert wire.selected_alpn_protocol() == "h2"
connection = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True, header_encoding="utf-8"))
connection.initiate_connection()
wire.sendall(connection.data_to_send())
heads, bodies, ended, reset = {}, {}, set(), {}


def step():
    """Takes what comes next."""
    data = wire.recv(65536)
    assert data, "the connection is over"
    for event in connection.receive_data(data):
        if isinstance(event, h2.events.ResponseReceived):
            heads[event.stream_id] = dict(event.headers)
        elif isinstance(event, h2.events.DataReceived):
            bodies[event.stream_id] = bodies.get(event.stream_id, b"") + event.data
            connection.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif isinstance(event, h2.events.StreamEnded):
            ended.add(event.stream_id)
        elif isinstance(event, h2.events.StreamReset):
            reset[event.stream_id] = event.error_code
    wire.sendall(connection.data_to_send())


def until(holds):
    while not holds():
        step()


def begin(headers, end=False):
    stream = connection.get_next_available_stream_id()
    connection.send_headers(stream, headers, end_stream=end)
    wire.sendall(connection.data_to_send())
    return stream


def frame(first, payload):
    """A frame of a WebSocket's client, masked with zeros."""
    length = len(payload)
    if length < 126:
        size = bytes([0x80 | length])
    elif length < 65536:
        size = bytes([0x80 | 126]) + length.to_bytes(2, "big")
    else:
        size = bytes([0x80 | 127]) + length.to_bytes(8, "big")
    return bytes([first]) + size + bytes(4) + payload


def unmasked(framed, payload):
    """The same as a server sends it."""
    head = framed[: len(framed) - len(payload) - 4]
    return bytes([head[0], head[1] & 0x7F]) + head[2:] + payload


def send(stream, data, end=False):
    at = 0
    while at < len(data):
        room = min(connection.local_flow_control_window(stream), connection.max_outbound_frame_size)
        if room == 0:
            step()
            continue
        connection.send_data(stream, data[at : at + room])
        wire.sendall(connection.data_to_send())
        at += room
    if end:
        connection.end_stream(stream)
        wire.sendall(connection.data_to_send())


allowed = h2.settings.SettingCodes.ENABLE_CONNECT_PROTOCOL
until(lambda: connection.remote_settings.get(allowed, 0) == 1)
tunnel = [
    (":method", "CONNECT"),
    (":protocol", "websocket"),
    (":scheme", "https"),
    (":authority", "app.test"),
    (":path", "/echo"),
    ("sec-websocket-version", "13"),
]
one, two = begin(tunnel), begin(tunnel)
page = begin(
    [(":method", "GET"), (":scheme", "https"), (":authority", "app.test"), (":path", "/")],
    end=True,
)
until(lambda: {one, two, page} <= heads.keys() and page in ended)
assert heads[one][":status"] == heads[two][":status"] == heads[page][":status"] == "200", heads
assert b"<title>waiting</title>" in bodies[page]
for forbidden in ["connection", "upgrade", "sec-websocket-accept", "transfer-encoding"]:
    assert forbidden not in heads[one], heads[one]
if "pause" in sys.argv:
    print("open", flush=True)
    sys.stdin.readline()
for stream in [one, two]:
    for first, payload in [(0x81, b"hello"), (0x82, bytes(range(256)) * 10), (0x82, os.urandom(200_000))]:
        framed = frame(first, payload)
        send(stream, framed)
        wanted = unmasked(framed, payload)
        until(lambda: len(bodies.get(stream, b"")) >= len(wanted))
        assert bodies.pop(stream) == wanted
    send(stream, frame(0x88, b"\x03\xe8"))
    until(lambda: stream in ended or stream in reset)
    assert bodies.pop(stream) == b"\x88\x02\x03\xe8"
    assert not reset, reset
print("all as expected")
