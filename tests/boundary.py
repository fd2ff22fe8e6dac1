#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""
boundary.py ACT [ARGUMENT...]: what boundary.bats needs beyond a shell.

steady ADDRESS PORT: on one connection to an echo, asks ten times a second and prints how long each answer took, in
milliseconds; ends when the connection does.

attack SOCKET: in turn, whatever a client of the control socket may do wrong; prints a line for each that says how
long natterctl's question took meanwhile, as a client of its own.

drip SOCKET: half a request, byte by byte; prints after how many seconds natterd had enough.

impostor SOCKET KIND: listens in natterd's place.
"""

import array
import json
import os
import select
import socket
import sys
import time


def steady(address, port):
    with socket.create_connection((address, int(port)), 5) as s:
        s.settimeout(10)
        while True:
            began = time.monotonic()
            s.sendall(b"still there?\n")
            answer = b""
            while not answer.endswith(b"\n"):
                data = s.recv(100)
                if not data:
                    sys.exit("the connection has ended")
                answer += data
            print(round((time.monotonic() - began) * 1000), flush=True)
            time.sleep(0.1)


def connect(path):
    s = socket.socket(socket.AF_UNIX)
    s.connect(path)  # waits for room in the queue, as natterctl does
    s.settimeout(10)
    return s


def push(s, data):
    """As much as natterd takes; it may end the connection."""
    try:
        s.sendall(data)
    except OSError:
        pass
    return s


def ask(path, request):
    """An answer to a good request, by somebody else; the milliseconds it took."""
    began = time.monotonic()
    with connect(path) as s:
        s.sendall(request)
        data = b""
        while not data.endswith(b"\n"):
            more = s.recv(65536)
            if not more:
                sys.exit(f"no answer to {request!r}: {data!r}")
            data += more
    json.loads(data)
    return round((time.monotonic() - began) * 1000)


def deaf(path, request):
    """Asks again and again and never reads."""
    s = connect(path)
    s.setblocking(False)
    try:
        while True:
            s.send(request)
    except OSError:
        return s


def still_open(sockets):
    """How many of them natterd has not ended."""
    ends = select.poll()
    for s in sockets:
        ends.register(s, 0)
    return len(sockets) - len(ends.poll(0))


def close_at_once(s):
    s.close()
    return s


def lingering():
    """A connection that whoever closes it last has to wait for."""
    listener = socket.create_server(("127.0.0.1", 0))
    s = socket.create_connection(listener.getsockname())
    s.setblocking(False)
    try:
        while True:
            s.send(bytes(1 << 20))
    except OSError:
        pass
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, array.array("i", [1, 60]))
    return s, listener


def pass_descriptors(path, request):
    s = connect(path)
    sockets = [lingering() for _ in range(10)]
    try:
        socket.send_fds(s, [request], [x[0].fileno() for x in sockets])
    except OSError:  # this kernel refuses them for natterd, and so it is here that they would linger
        for x in sockets:
            x[0].setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, array.array("i", [0, 0]))
    for x in sockets:
        x[0].close()
    return s, [x[1] for x in sockets]


def wrong_types():
    values = [None, True, -1, 2**200, 1e308, "", "x" * 60000, [], {}, [[["web"]]], "\0", "web\0", "\x1b[2J", "\udcff"]
    for command in ("show", "refresh", "restart", "stop", "start", "watch", "log", "check-nat", "reload", "nothing"):
        for key in ("name", "level", "command"):
            for value in values:
                request = {"command": command} | {key: value}
                if command in ("check-nat", "reload") and key != "command":
                    continue
                if command == "refresh" and key != "name":
                    continue
                yield json.dumps(request).encode("utf-8", "surrogateescape") + b"\n"


PLACES = 48  # of each user, natterctl(8)
GARBAGE = [
    b"\0", b"\n", b"\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n", b"\xff\xfe\xc0\x80\n", b'{"command":"list\0"}\n', b"[" * 60000 + b"\n",
    b'{"command":' * 1000 + b"\n", b'{"command":"list","x":' + b"9" * 50000 + b"}\n", b'{"command":"show","name":"\xff\xff"}\n',
    b'{"command":"list"', b"\x1b]0;owned\x07\n", os.urandom(60000), b"x" * (1 << 20), b"\n" * 100000,
]


def attack(path):
    lists = b'{"command":"list"}\n'
    acts = {
        "garbage": lambda: [push(connect(path), g) for g in GARBAGE],
        "garbage and gone": lambda: [close_at_once(push(connect(path), g)) for g in GARBAGE],
        "wrong types": lambda: [push(connect(path), r) for r in wrong_types()],
        "half a request": lambda: [push(connect(path), b'{"command":') for _ in range(100)],
        "never reads": lambda: [deaf(path, c) for c in (lists, b'{"command":"metrics"}\n') for _ in range(50)],
        "watches and never reads": lambda: [deaf(path, b'{"command":"watch"}\n') for _ in range(200)],
        "waits and never reads": lambda: [deaf(path, b'{"command":"check-nat"}\n') for _ in range(200)],
        "a thousand idle": lambda: [connect(path) for _ in range(1000)],
        "a thousand at once and gone": lambda: [close_at_once(connect(path)) for _ in range(1000)],
        "a thousand requests": lambda: [close_at_once(push(connect(path), lists)) for _ in range(1000)],
        "half closed": lambda: [push(connect(path), lists * 10).shutdown(socket.SHUT_WR) for _ in range(100)],
        "descriptors": lambda: [pass_descriptors(path, lists) for _ in range(5)],
    }
    for name, act in acts.items():
        began = time.monotonic()
        held = act()
        lasted = time.monotonic() - began
        worst = max(ask(path, lists) for _ in range(5))
        print(f"{worst} ms: {name}, {len(held)} times in {lasted:.1f} s", flush=True)
        if "never reads" in name and still_open(held) > PLACES:
            sys.exit(f"one user has {still_open(held)} connections")
        del held
    if os.geteuid() != 0:
        return
    # Another user's clients have their own places.
    held = [connect(path) for _ in range(40)]
    if os.fork() == 0:
        os.setgroups([])
        os.setuid(65534)
        others = [connect(path) for _ in range(1000)]
        others += [deaf(path, b'{"command":"watch"}\n') for _ in range(100)]
        os._exit(0 if others else 1)
    os.wait()
    for s in held:
        s.sendall(lists)
        if not s.recv(1):
            sys.exit("a client of root had to leave for one of somebody else")
    print("0 ms: another user's clients", flush=True)


def drip(path):
    began = time.monotonic()
    with connect(path) as s:
        try:
            while True:
                s.send(b" ")
                time.sleep(0.5)
        except OSError:
            print(round(time.monotonic() - began), flush=True)


def impostor(path, kind):
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path + ".new")
        listener.listen()
        os.rename(path + ".new", path)  # whoever finds it can connect
        s, _ = listener.accept()
        escapes = "\x1b]0;owned\x07\x1b[2J\x9b2J"
        answers = {
            "garbage": b"\xff\xfe\0\x1b[2J\n", "list": b"[1,2]\n", "nothing": b"",
            "escapes": json.dumps({"ok": False, "error": escapes, "mistakes": [escapes]}, ensure_ascii=False).encode() + b"\n",
            "mapping": json.dumps({"ok": True, "mappings": [{"name": escapes, "state": escapes, "outer": 7, "inner": None,
                                   "error": escapes, "since": -1, "bytes_in": 1e300}, 7, None]}, ensure_ascii=False).encode() + b"\n",
        }
        try:
            while kind == "endless":
                s.sendall(b" " * (1 << 20))
            while kind == "drip":
                s.sendall(b" ")
                time.sleep(1)
            s.recv(1000)
            s.sendall(answers.get(kind, b""))
        except OSError:
            pass


ACTS = {"steady": steady, "attack": attack, "drip": drip, "impostor": impostor}

if __name__ == "__main__":
    ACTS[sys.argv[1]](*sys.argv[2:])
