"""A packet proxy as PACKETS.md describes the existing ones: a thread for each connection, one send and one recv per
packet, a table of servers in a dict, a random server of the policy. It prints the address that it listens on."""

import json
import random
import socket
import threading

servers = {}  # policy -> rows of (id, host, port)
servers_lock = threading.Lock()


def register(packet, host):
    row = (packet["id"], host, packet["listenport"])
    with servers_lock:
        rows = [old for old in servers.get(packet["privPolyId"], []) if old[0] != packet["id"]]
        servers[packet["privPolyId"]] = rows + [row]
    return json.dumps({"type": 1, "status": "registered"}).encode()


def forward(packet, data):
    rows = servers.get(packet["privPoliId"])
    if not rows:
        return json.dumps({**packet, "type": -1, "error": "unknown_policy"}).encode()
    _, host, port = random.choice(rows)
    try:
        with socket.socket() as server:
            server.connect((host, port))
            server.sendall(data)
            return server.recv(2048)
    except OSError:
        return json.dumps({**packet, "type": -1, "error": "backend_failed"}).encode()


def serve(client, host):
    with client:
        while data := client.recv(2048):
            packet = json.loads(data)
            if packet["type"] == 1:
                client.sendall(register(packet, host))
            else:
                client.sendall(forward(packet, data))


def main():
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as listener:
        print("%s:%d" % listener.getsockname(), flush=True)
        while True:
            client, (host, _) = listener.accept()
            threading.Thread(target=serve, args=(client, host), daemon=True).start()


main()
