"""A server and a client of gRPC, by grpcio. No message types: requests and responses are bytes.

peer.py serve [CERTIFICATE KEY]   prints "port N", serves until its input ends
peer.py call HOST:PORT [CA NAME]   calls each kind, prints a line of JSON for each, in a fixed order
peer.py fail HOST:PORT [CA NAME]   one call that the server fails
peer.py slow HOST:PORT [CA NAME]   one call that takes 2 s
"""

import json
import sys
import time
from concurrent import futures

import grpc

BIG = b"x" * 300_000


def unary(request, context):
    if request == b"fail":
        context.set_trailing_metadata((("x-trailer", "kept"), ("x-bin-bin", b"\x00\xff")))
        context.abort(grpc.StatusCode.FAILED_PRECONDITION, "d\u00e9j\u00e0 vu 100%")
    if request == b"slow":
        time.sleep(2)
    if request == b"left":
        return str(context.time_remaining() is not None).encode()
    context.set_trailing_metadata((("x-trailer", "kept"),))
    return b"unary " + request


def up(requests, context):
    return str(sum(len(request) for request in requests)).encode()


def down(request, context):
    for number in range(int(request)):
        yield str(number).encode()


def both(requests, context):
    for request in requests:
        yield b"echo " + request


def handlers():
    kinds = {
        "Unary": grpc.unary_unary_rpc_method_handler(unary),
        "Up": grpc.stream_unary_rpc_method_handler(up),
        "Down": grpc.unary_stream_rpc_method_handler(down),
        "Both": grpc.stream_stream_rpc_method_handler(both),
    }
    return grpc.method_handlers_generic_handler("test.Echo", kinds)


def serve(certificate=None, key=None):
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=8))
    server.add_generic_rpc_handlers((handlers(),))
    if certificate:
        with open(certificate, "rb") as chain, open(key, "rb") as secret:
            credentials = grpc.ssl_server_credentials(((secret.read(), chain.read()),))
        port = server.add_secure_port("127.0.0.1:0", credentials)
    else:
        port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print("port", port, flush=True)
    sys.stdin.read()
    server.stop(None)


def tell(name, said):
    print(json.dumps([name, said]), flush=True)


def failed(name, call, is_told=True):
    try:
        tell(name, call().decode())
    except grpc.RpcError as error:
        if not is_told:
            return tell(name, error.code().name)
        trailers = {key: value for key, value in error.trailing_metadata() or () if key.startswith("x-")}
        tell(name, [error.code().name, error.details(), sorted(trailers)])


def connect(target, ca=None, name="app.test"):
    if not ca:
        return grpc.insecure_channel(target, (("grpc.default_authority", name),))
    with open(ca, "rb") as file:
        credentials = grpc.ssl_channel_credentials(file.read())
    return grpc.secure_channel(target, credentials, (("grpc.ssl_target_name_override", name),))


def call(*to):
    channel = connect(*to)
    unary = channel.unary_unary("/test.Echo/Unary")
    said, done = unary.with_call(b"hello", timeout=5)
    tell("unary", [said.decode(), dict(done.trailing_metadata()).get("x-trailer")])
    tell("big", len(unary(BIG, timeout=5)))
    up = channel.stream_unary("/test.Echo/Up")
    tell("up", up(iter([b"a" * 1000] * 500), timeout=5).decode())
    down = channel.unary_stream("/test.Echo/Down")
    tell("down", sum(int(number) for number in down(b"500", timeout=5)))
    both = channel.stream_stream("/test.Echo/Both")
    tell("both", interleaved(both))
    failed("fail", lambda: unary(b"fail", timeout=5))
    # Whose clock is first says it in its own words.
    failed("deadline", lambda: unary(b"slow", timeout=0.3), is_told=False)
    failed("unknown", lambda: channel.unary_unary("/test.Echo/Nobody")(b"", timeout=5))
    failed("refused", lambda: channel.unary_unary("/refused/Nobody")(b"", timeout=5))
    failed("left", lambda: unary(b"left", timeout=5))


def interleaved(both):
    """Each message is sent only when the answer to the one before is here: nothing may be held back."""
    import queue

    said, heard = queue.Queue(), []
    answers = both(iter(said.get, None), timeout=5)
    for number in range(20):
        said.put(str(number).encode())
        heard.append(next(answers).decode())
    said.put(None)
    return [heard[0], heard[-1], len(list(answers))]


def one(message, *to):
    unary = connect(*to).unary_unary("/test.Echo/Unary")
    failed(message, lambda: unary(message.encode(), timeout=5))


if __name__ == "__main__":
    kind, to = sys.argv[1], sys.argv[2:]
    if kind == "serve":
        serve(*to)
    elif kind == "call":
        call(*to)
    else:
        one(kind, *to)
