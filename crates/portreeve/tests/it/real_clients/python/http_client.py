"""Python's own HTTP client: several kinds of requests, all over one connection."""

import http.client
import sys

connection = http.client.HTTPConnection(sys.argv[1], timeout=30)
sockets = set()


def ask(method, target, **more):
    connection.request(method, target, **more)
    sockets.add(connection.sock)
    response = connection.getresponse()
    assert response.status == 200, response.status
    assert not response.will_close, "the connection is not kept"
    return response.read().decode()


def expect(got, wanted):
    assert got == wanted, f"got {got!r}, wanted {wanted!r}"


def parts():
    yield b"one "
    yield b"two " * 1000
    yield b"three"


expect(ask("GET", "/1"), "GET /1 HTTP/1.1 ")
expect(ask("POST", "/2", body="hello"), "POST /2 HTTP/1.1 hello")
expect(ask("PUT", "/3", body=parts()), "PUT /3 HTTP/1.1 one " + "two " * 1000 + "three")
expect(ask("HEAD", "/4"), "")
expect(ask("POST", "/5", body=b""), "POST /5 HTTP/1.1 ")
expect(ask("DELETE", "/6"), "DELETE /6 HTTP/1.1 ")
expect(ask("BREW", "/7?%41=%00"), "BREW /7?%41=%00 HTTP/1.1 ")
assert len(sockets) == 1, "more than one connection"
print("all as expected")
