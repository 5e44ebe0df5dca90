"""A WebSocket server (RFC 6455) that sends every message back, and a page that uses it. Prints where it listens."""

import base64
import hashlib
import http.server
import threading

# Its image comes when the script is through, so that the page is loaded no sooner.
PAGE = b"""<!doctype html><title>waiting</title><p id=said>nothing</p><img src=/when-finished><script>
const socket = new WebSocket(location.protocol.replace("http", "ws") + "//" + location.host + "/echo");
socket.onopen = () => socket.send("from the browser");
socket.onmessage = event => {
  document.getElementById("said").textContent = "echo: " + event.data;
  socket.close(1000, "done");
};
socket.onclose = event => {
  document.title = "closed " + event.code + (event.wasClean ? " cleanly" : "");
  fetch("/finished");
};
</script>"""

finished = threading.Event()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if self.headers.get("Upgrade", "").lower() == "websocket":
            self.switch()
            self.echo()
        elif self.path == "/when-finished":
            finished.wait(30)
            self.answer("image/svg+xml", b"<svg xmlns='http://www.w3.org/2000/svg'/>")
        elif self.path == "/finished":
            finished.set()
            self.answer("text/plain", b"")
        else:
            self.answer("text/html", PAGE)

    def answer(self, kind, body):
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def switch(self):
        key = self.headers["Sec-WebSocket-Key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
        accept = base64.b64encode(hashlib.sha1(key.encode()).digest()).decode()
        self.send_response(101)
        self.send_header("Upgrade", "websocket")
        self.send_header("Connection", "Upgrade")
        self.send_header("Sec-WebSocket-Accept", accept)
        self.end_headers()
        self.close_connection = True

    def echo(self):
        while head := self.rfile.read(2):
            length = head[1] & 0x7F
            if length == 126:
                length = int.from_bytes(self.rfile.read(2), "big")
            elif length == 127:
                length = int.from_bytes(self.rfile.read(8), "big")
            mask = self.rfile.read(4)
            payload = bytes(byte ^ mask[at % 4] for at, byte in enumerate(self.rfile.read(length)))
            self.wfile.write(frame(head[0], payload))
            if head[0] & 0x0F == 8:
                return

    def log_message(self, *_):
        pass


def frame(first, payload):
    if len(payload) < 126:
        return bytes([first, len(payload)]) + payload
    if len(payload) < 65536:
        return bytes([first, 126]) + len(payload).to_bytes(2, "big") + payload
    return bytes([first, 127]) + len(payload).to_bytes(8, "big") + payload


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(f"127.0.0.1:{server.server_port}", flush=True)
server.serve_forever()
