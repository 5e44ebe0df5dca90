"""A WebSocket client (RFC 6455) by hand: handshake, small, medium and large messages, a ping, a clean close."""

import base64
import hashlib
import os
import socket
import sys

host, port = sys.argv[1].rsplit(":", 1)
connection = socket.create_connection((host, int(port)), timeout=30)
stream = connection.makefile("rb")
key = base64.b64encode(os.urandom(16)).decode()


def send(first, payload):
    mask = os.urandom(4)
    length = len(payload)
    if length < 126:
        size = bytes([0x80 | length])
    elif length < 65536:
        size = bytes([0x80 | 126]) + length.to_bytes(2, "big")
    else:
        size = bytes([0x80 | 127]) + length.to_bytes(8, "big")
    connection.sendall(bytes([first]) + size + mask + bytes(b ^ mask[i % 4] for i, b in enumerate(payload)))


def receive():
    first, length = stream.read(2)
    if length == 126:
        length = int.from_bytes(stream.read(2), "big")
    elif length == 127:
        length = int.from_bytes(stream.read(8), "big")
    return first, stream.read(length)


connection.sendall(
    f"GET /echo HTTP/1.1\r\nHost: {sys.argv[1]}\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"
    f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
)
status = stream.readline()
assert status.startswith(b"HTTP/1.1 101 "), status
fields = {}
while (line := stream.readline()) != b"\r\n":
    name, value = line.decode().split(":", 1)
    fields[name.lower()] = value.strip()
accept = hashlib.sha1((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()
assert fields["sec-websocket-accept"] == base64.b64encode(accept).decode(), fields
assert fields["upgrade"].lower() == "websocket", fields
assert "upgrade" in fields["connection"].lower(), fields

# Text, binary, ping; one, two and eight bytes of length. GET in a message is a message.
for first, payload in [
    (0x81, b"hello"),
    (0x82, bytes(range(256)) * 10),
    (0x89, b"ping"),
    (0x81, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
    (0x82, os.urandom(300_000)),
]:
    send(first, payload)
    got = receive()
    assert got == (first, payload), (got[0], len(got[1]))
send(0x88, b"\x03\xe8")
assert receive() == (0x88, b"\x03\xe8")
assert stream.read() == b"", "the connection stays open"
print("all as expected")
