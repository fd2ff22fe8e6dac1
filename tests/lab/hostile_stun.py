#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""STUN servers that do their worst, for the lab's tests, over TCP and UDP.

    hostile_stun.py ADDRESS=BEHAVIOUR...       each on port 3478
    hostile_stun.py --list [udp|tcp]           the behaviours, those of this protocol

A behaviour makes what goes out for one request: a list of bytes, of pauses (numbers, seconds) and of
endings (strings). What answers rightly says so in its name: right-*; all others must never be believed.
"""
import collections
import itertools
import os
import socket
import struct
import sys
import threading
import time

COOKIE = 0x2112A442
LIE = ("198.51.100.7", 9999)
ELSEWHERE = ("203.0.113.41", 0)  # what a datagram comes from that the request did not go to
fickle = itertools.count(1)
asked = {}  # how many transactions an address of a client has begun here; and the one before


def attribute(kind, value):
    return struct.pack("!HH", kind, len(value)) + value + bytes(-len(value) % 4)


def address(kind, where, mask=0, family=1):
    ip = socket.inet_aton(where[0]) if family == 1 else bytes(16)
    if mask:
        ip = struct.pack("!I", struct.unpack("!I", ip[:4])[0] ^ mask) + ip[4:]
    return attribute(kind, struct.pack("!BBH", 0, family, where[1] ^ mask >> 16) + ip)


def message(kind, request, *attributes, length=None, tid=None):
    body = b"".join(attributes)
    return struct.pack("!HHI", kind, len(body) if length is None else length, COOKIE) + (tid or request[8:20]) + body


def success(request, where, *more, **how):
    return message(0x0101, request, address(0x0020, where, COOKIE), *more, **how)


def failure(request, code, *more):
    return message(0x0111, request, attribute(0x0009, struct.pack("!HBB", 0, code // 100, code % 100) + b"no"), *more)


def says(*where, **how):
    return lambda request, seen: [message(0x0101, request, address(0x0020, where, COOKIE, **how))]


def with_id_of_the_one_before(request, seen):
    before = asked.get(seen[0], os.urandom(12))
    if request[8:20] != before:
        asked[seen[0]] = request[8:20]
    return [success(request, LIE, tid=before)]


def right_then_lies(request, seen):
    """Whoever keeps it as a keep-alive is lied to from the second question on."""
    count = asked[seen] = asked.get(seen, 0) + 1
    return [success(request, seen if count == 1 else LIE)]


def sticks(request, seen):
    """Tells for ever what was right at first."""
    return [success(request, asked.setdefault("stuck", seen))]


both = {
    "wrong-id": lambda request, seen: [success(request, LIE, tid=os.urandom(12))],
    "late": with_id_of_the_one_before,
    "lie": lambda request, seen: [success(request, LIE)],
    "changing-lie": lambda request, seen: [success(request, ("198.51.100.%d" % (next(fickle) % 250), 9999))],
    "another-port": lambda request, seen: [success(request, (seen[0], seen[1] ^ 1))],
    "right-then-lies": right_then_lies,
    "sticks": sticks,
    "right-a-thousand-times": lambda request, seen: [success(request, seen)] * 1000,
    "right-then-contradicts": lambda request, seen: [success(request, seen)] + [success(request, LIE)] * 1000,
    "beyond-the-end": lambda request, seen: [message(0x0101, request, struct.pack("!HHI", 0x20, 60000, 0))],
    "zero-lengths": lambda request, seen: [message(0x0101, request, attribute(0x20, b"") * 400)],
    "no-address": lambda request, seen: [message(0x0101, request)],
    "other-family": says("0.0.0.0", 9999, family=2),
    "no-family": lambda request, seen: [message(0x0101, request, attribute(0x20, b"\0\3\1\2\3\4\5\6"))],
    "port-0": says("198.51.100.7", 0),
    "any": says("0.0.0.0", 9999),
    "loopback": says("127.0.0.1", 9999),
    "link-local": says("169.254.1.1", 9999),
    "multicast": says("224.0.0.1", 9999),
    "broadcast": says("255.255.255.255", 9999),
    "private": says("192.168.77.9", 9999),
    "alternate-server": lambda request, seen: [failure(request, 300, address(0x8023, ("203.0.113.10", 3479)))],
    "unknown-attribute": lambda request, seen: [failure(request, 420, attribute(0x000A, b"\0\1"))],
    "server-error": lambda request, seen: [failure(request, 500)],
    "must-understand": lambda request, seen: [success(request, LIE, attribute(0x7FFF, b"!"))],
    "wrong-length": lambda request, seen: [success(request, LIE, length=8)],
    "mirror": lambda request, seen: [request],
    "not-binding": lambda request, seen: [message(0x0103, request, address(0x0020, LIE, COOKIE))],
    "mute": lambda request, seen: [],
}
udp = {
    "oversized": lambda request, seen: [bytes(65507)],
    "right-oversized": lambda request, seen: [success(request, seen, attribute(0x8099, bytes(65400)))],
    "right-thousands": lambda request, seen: [success(request, seen, attribute(0x8099, b"") * 16000)],
    "flood": lambda request, seen: [os.urandom(1200)] * 20000,
    "elsewhere": lambda request, seen: ["elsewhere"],
}
tcp = {
    "slow": lambda request, seen: [piece for byte in success(request, seen) for piece in (bytes([byte]), 1)],
    "garbage": lambda request, seen: ["garbage"],
    "header-then-nothing": lambda request, seen: [success(request, LIE, length=65532), 600],
    "right-by-bytes": lambda request, seen: [p for byte in success(request, seen) for p in (bytes([byte]), 0.005)],
    "right-in-a-row": lambda request, seen: [success(request, seen) + success(request, LIE) * 20],
    "half": lambda request, seen: [success(request, seen)[:17], 0.1],
    "reset": lambda request, seen: ["reset"],
}
TABLES = {"udp": {**both, **udp}, "tcp": {**both, **tcp}}


def say_elsewhere(request, seen):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(ELSEWHERE)
        other.sendto(success(request, LIE), seen)


def serve_datagrams(at, behaviour):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(at)
        answered = collections.Counter()
        while True:
            request, seen = server.recvfrom(2048)
            # What comes back from a target that is an echo must not go round for ever.
            answered[request[8:20]] += 1
            if request[:2] != b"\0\1" or len(request) < 20 or answered[request[8:20]] > 7:
                continue
            for piece in behaviour(request, seen):
                if piece == "elsewhere":
                    say_elsewhere(request, seen)
                else:
                    server.sendto(piece, seen)


def serve_connection(client, seen, behaviour):
    with client:
        request = client.recv(20, socket.MSG_WAITALL)
        for piece in behaviour(request, seen) if len(request) == 20 else []:
            if piece == "garbage":
                while True:
                    client.sendall(os.urandom(65536))
            elif piece == "reset":
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            elif isinstance(piece, bytes):
                client.sendall(piece)
            else:
                time.sleep(piece)
        if behaviour is both["mute"]:
            client.recv(1)


def attempt(function, *arguments):
    try:
        function(*arguments)
    except OSError:
        pass  # who is asked badly goes away


def serve_connections(at, behaviour):
    with socket.create_server(at, backlog=50) as server:
        while True:
            client, seen = server.accept()
            threading.Thread(target=attempt, args=(serve_connection, client, seen, behaviour), daemon=True).start()


def main():
    if sys.argv[1:2] == ["--list"]:
        print(*TABLES[sys.argv[2]], sep="\n")
        return
    for word in sys.argv[1:]:
        where, name = word.split("=")
        at = (where, 3478)
        if name in TABLES["udp"]:
            threading.Thread(target=serve_datagrams, args=(at, TABLES["udp"][name]), daemon=True).start()
        if name in TABLES["tcp"]:
            threading.Thread(target=serve_connections, args=(at, TABLES["tcp"][name]), daemon=True).start()
    threading.Event().wait()


main()
