#!/usr/bin/env python3
"""A small HTTP app to be scaled: it counts its requests, and can be made to crash.

  GET    /api/v1/_health   200 {} while it is well, 500 {} after a crash
  POST   /api/v1/_crash    200 {}: from now on everything else answers 500
  GET    /api/v1/_count    [number of requests so far], those below /api/v1/_ not counted
  DELETE /api/v1/_count    200 {}: counts from 0 again
  GET    anything else     one line that says which instance answered

Standard library only. Portreeve starts it with --port, and stops it with SIGTERM.
"""

import argparse
import json
import os
import signal
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class App:
    """What all requests share."""

    def __init__(self, name, work):
        self.name = name
        self.work = work
        self.lock = threading.Lock()
        self.count = 0
        self.is_crashed = False

    def answer(self, method, path):
        """The status and the body: text as it is, anything else as JSON."""
        if (method, path) == ("POST", "/api/v1/_crash"):
            self.is_crashed = True
            return 200, {}
        if self.is_crashed:
            return 500, {}
        if (method, path) == ("GET", "/api/v1/_health"):
            return 200, {}
        if path == "/api/v1/_count":
            return self.counted(method)
        if method != "GET":
            return 405, {}
        with self.lock:
            self.count += 1
        time.sleep(self.work)
        return 200, f"hello from {self.name}\n"

    def counted(self, method):
        with self.lock:
            if method == "DELETE":
                self.count = 0
                return 200, {}
            return (200, [self.count]) if method == "GET" else (405, {})


def handler(app):
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def reply(self):
            # A body that nobody asked for is read, so that the connection can be used again.
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, body = app.answer(self.command, self.path.split("?")[0])
            is_text = isinstance(body, str)
            data = (body if is_text else json.dumps(body)).encode()
            self.send_response(status)
            self.send_header("Content-Type", "text/plain" if is_text else "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_DELETE = reply

        def log_message(self, *_):
            pass

    return Handler


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 1024


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=int(os.environ.get("PORT", "8000")))
    parser.add_argument("--work", type=float, default=0.05, help="seconds that a request takes (default: 0.05)")
    arguments = parser.parse_args()
    name = os.environ.get("PORTREEVE_ID", f"port {arguments.port}")
    server = Server(("127.0.0.1", arguments.port), handler(App(name, arguments.work)))
    # Not from within: shutdown waits for the loop that the signal has interrupted.
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    print(f"{name} listens on {arguments.port}", flush=True)
    server.serve_forever()
    print(f"{name} ends", file=sys.stderr)


if __name__ == "__main__":
    main()
