"""The client of the package websockets, within TLS: text and binary messages of all sizes, two sockets at once, a clean close.

With `pause` both say that they are open, and go on when a line comes in.
"""

import asyncio
import os
import ssl
import sys

from websockets.asyncio.client import connect

port = int(sys.argv[1])
trusted = ssl.create_default_context(cafile=sys.argv[2])
# The server of the test sends back whatever comes, pings too.
options = dict(ssl=trusted, host="127.0.0.1", port=port, max_size=None, ping_interval=None, proxy=None)


both = asyncio.Barrier(2)


async def pause():
    if "pause" in sys.argv:
        if await both.wait() == 0:
            print("open", flush=True)
            await asyncio.to_thread(sys.stdin.readline)
        await both.wait()


async def talk(name):
    async with connect(f"wss://app.test:{port}/echo?{name}", **options) as socket:
        await socket.send("before")
        assert await socket.recv() == "before"
        await pause()
        for message in ["hello", "", bytes(range(256)) * 10, "GET / HTTP/1.1\r\n\r\n", os.urandom(300_000)]:
            await socket.send(message)
            assert await socket.recv() == message
    assert socket.close_code == 1000, socket.close_code


async def main():
    await asyncio.gather(talk("one"), talk("two"))


asyncio.run(asyncio.wait_for(main(), 60))
print("all as expected")
