#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Clients that do their worst, and one that does not, for the lab's tests. All of them sit outside.

    hostile_clients.py witness tcp|udp OUTER           asks one thing after another, on one connection or from one
                                                       port; once it is ended: "N asked, N lost, SECONDS at most"
    hostile_clients.py connect OUTER COUNT WORDS       connections that say this, never read and stay
    hostile_clients.py half-open OUTER COUNT           SYNs from addresses that nobody has
    hostile_clients.py sources OUTER COUNT             a datagram from each of so many ports and addresses
    hostile_clients.py imitate OUTER COUNT             STUN responses of a stranger, not asked for
    hostile_clients.py imitate OUTER COUNT SERVER      the same in the name of SERVER, ADDRESS:PORT
    hostile_clients.py unreachable OUTER COUNT SERVER  ICMP errors to what was sent from OUTER to SERVER

WORDS may have \\r and \\n; a command that begins to send prints a dot when it has begun.
"""
import os
import signal
import socket
import struct
import sys
import time

ATTACKERS = ["203.0.113.41"] + ["203.0.113.%d" % n for n in range(201, 210)]
WITNESS = "203.0.113.40"
EACH = 1100  # sources of an address


def split(text):
    host, port = text.rsplit(":", 1)
    return host, int(port)


def checksum(data):
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    total = (total & 0xFFFF) + (total >> 16)
    return ~(total + (total >> 16)) & 0xFFFF


def ip_header(protocol, source, target, length):
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + length, 0, 0, 64, protocol, 0, socket.inet_aton(source),
                       socket.inet_aton(target))
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:]


def raw():
    return socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)


def udp_datagram(source, target, payload):
    head = struct.pack("!HHHH", source[1], target[1], 8 + len(payload), 0)
    return ip_header(socket.IPPROTO_UDP, source[0], target[0], 8 + len(payload)) + head + payload


def syn(source, target):
    head = struct.pack("!HHIIBBHHH", source[1], target[1], int.from_bytes(os.urandom(4), "big"), 0, 0x50, 2, 64240, 0, 0)
    pseudo = socket.inet_aton(source[0]) + socket.inet_aton(target[0]) + struct.pack("!HH", 6, len(head))
    head = head[:16] + struct.pack("!H", checksum(pseudo + head)) + head[18:]
    return ip_header(socket.IPPROTO_TCP, source[0], target[0], len(head)) + head


def response():
    """Success for a transaction that nobody began, with 198.51.100.7:9999."""
    attribute = struct.pack("!HHBBHI", 0x20, 8, 0, 1, 9999 ^ 0x2112, 0xC6336407 ^ 0x2112A442)
    return struct.pack("!HHI", 0x0101, len(attribute), 0x2112A442) + os.urandom(12) + attribute


def ask_tcp(client):
    client.sendall(b"GET / HTTP/1.1\r\nHost: inside\r\n\r\n")
    answer = b""
    while b"inside page" not in answer:
        data = client.recv(4096)
        if not data:
            raise OSError("closed")
        answer += data


def ask_udp(client, number):
    client.send(b"%d" % number)
    while client.recv(100) != b"%d" % number:
        pass


def witness(protocol, outer):
    asked = lost = 0
    worst = 0.0
    ended = []
    signal.signal(signal.SIGTERM, lambda *_: ended.append(True))
    client = socket.socket(socket.AF_INET, socket.SOCK_STREAM if protocol == "tcp" else socket.SOCK_DGRAM)
    client.bind((WITNESS, 0))
    client.settimeout(5 if protocol == "tcp" else 1)
    client.connect(split(outer))
    while not ended:
        began = time.monotonic()
        asked += 1
        try:
            if protocol == "tcp":
                ask_tcp(client)
            else:
                ask_udp(client, asked)
            worst = max(worst, time.monotonic() - began)
        except OSError:
            lost += 1
        if asked == 1:
            print(".", flush=True)
        time.sleep(0.02)
    print("%d asked, %d lost, %.3f s at most" % (asked, lost, worst), flush=True)


def connect(outer, count, words):
    clients = []
    for number in range(int(count)):
        client = socket.create_connection(split(outer), 5, (ATTACKERS[number % len(ATTACKERS)], 0))
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
        client.sendall(words.replace("\\r", "\r").replace("\\n", "\n").encode())
        clients.append(client)
    print(".", flush=True)
    signal.pause()


def half_open(outer, count):
    with raw() as sender:
        for number in range(int(count)):
            source = "203.0.113.%d" % (220 + number % 10), 1024 + number % 60000
            sender.sendto(syn(source, split(outer)), split(outer))


def sources(outer, count):
    for number in range(int(count)):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.bind((ATTACKERS[number // EACH], 30000 + number % EACH))
            client.sendto(b"%d" % number, split(outer))


def imitate(outer, count, server=None):
    with raw() as sender:
        for number in range(int(count)):
            source = split(server) if server else (ATTACKERS[0], 3478)
            sender.sendto(udp_datagram(source, split(outer), response()), split(outer))
            if number % 50 == 0:
                time.sleep(0.005)  # what the sockets' buffers hold


def unreachable(outer, count, server):
    quoted = udp_datagram(split(outer), split(server), bytes(20))
    message = struct.pack("!BBHI", 3, 3, 0, 0) + quoted
    message = message[:2] + struct.pack("!H", checksum(message)) + message[4:]
    with raw() as sender:
        for _ in range(int(count)):
            packet = ip_header(socket.IPPROTO_ICMP, split(server)[0], split(outer)[0], len(message)) + message
            sender.sendto(packet, split(outer))
            time.sleep(0.001)


COMMANDS = {"witness": witness, "connect": connect, "half-open": half_open, "sources": sources, "imitate": imitate,
            "unreachable": unreachable}
COMMANDS[sys.argv[1]](*sys.argv[2:])
