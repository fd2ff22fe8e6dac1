#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Keep-alive servers that do their worst, for the lab's tests.

    hostile_web.py ADDRESS=BEHAVIOUR...       each on port 80
    hostile_web.py --list                     the behaviours

A behaviour has one connection for itself, and ends it by returning.
"""
import gzip
import os
import socket
import struct
import sys
import threading
import time

OK = b"HTTP/1.1 200 OK\r\n"


def request(client):
    """Waits for the next one; false at the end."""
    head = b""
    while b"\r\n\r\n" not in head:
        data = client.recv(4096)
        if not data:
            return False
        head += data
    return True


def reset(client):
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def endless(client, begin, more):
    request(client)
    client.sendall(begin)
    while True:
        client.sendall(more)


def drips(client, begin, data):
    request(client)
    client.sendall(begin)
    for byte in data:
        client.sendall(bytes([byte]))
        time.sleep(1)


def answers(client, answer):
    while request(client):
        client.sendall(answer)


def early(client):
    client.sendall((OK + b"\r\n") * 1000)
    answers(client, b"")


def half_then_reset(client):
    request(client)
    client.sendall(OK + b"Server: half")
    reset(client)


def resets_later(client):
    client.settimeout(6)
    try:
        answers(client, OK + b"\r\n")
    except TimeoutError:
        reset(client)


def deaf(client):
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
    threading.Event().wait()


TABLE = {
    "endless-header": lambda c: endless(c, OK, b"X: y\r\n" * 10000),
    "endless-line": lambda c: endless(c, OK + b"X: ", b"y" * 65536),
    "endless-body": lambda c: endless(c, OK + b"\r\n", os.urandom(65536)),
    "endless-chunks": lambda c: endless(c, OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1000\r\n" + bytes(4096) + b"\r\n"),
    "endless-interim": lambda c: endless(c, b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 1000),
    "endless-answers": lambda c: endless(c, b"", (OK + b"\r\n") * 1000),
    "long-line": lambda c: answers(c, OK + b"X: " + b"y" * 10_000_000 + b"\r\n\r\n"),
    "nonsense": lambda c: answers(c, b"\0HTTP/9.9 -1 \xff\r\n\r\n"),
    "no-status": lambda c: answers(c, b"HTTP/1.1 099\r\n\r\n"),
    "gzip": lambda c: answers(c, gzip.compress(OK + b"\r\n")),
    "drips-header": lambda c: drips(c, b"", OK + b"X: y\r\n" * 100),
    "drips-body": lambda c: drips(c, OK + b"\r\n", bytes(1000)),
    "huge-length": lambda c: answers(c, OK + b"Content-Length: 99999999999999999999\r\n\r\n"),
    "redirect-loop": lambda c: answers(c, b"HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n"),
    "extra-answers": lambda c: answers(c, (OK + b"\r\n") * 20),
    "impatient": lambda c: answers(c, OK + b"Keep-Alive: timeout=1, max=1\r\n\r\n"),
    "early": early,
    "mute": lambda c: answers(c, b""),
    "deaf": deaf,
    "half-then-reset": half_then_reset,
    "resets-later": resets_later,
    "resets-at-once": reset,
    "closes-at-once": lambda c: None,
    "closes-after-answer": lambda c: request(c) and c.sendall(OK + b"\r\n"),
}


def serve(client, behaviour):
    with client:
        try:
            behaviour(client)
        except OSError:
            pass  # who is treated badly goes away


def listen(at, behaviour):
    with socket.create_server(at, backlog=50) as server:
        while True:
            client, _ = server.accept()
            os.write(1, (at[0] + "\n").encode())
            threading.Thread(target=serve, args=(client, behaviour), daemon=True).start()


def main():
    if sys.argv[1:] == ["--list"]:
        print(*TABLE, sep="\n")
        return
    for word in sys.argv[1:]:
        where, name = word.split("=")
        threading.Thread(target=listen, args=((where, 80), TABLE[name]), daemon=True).start()
    threading.Event().wait()


main()
