# SPDX-License-Identifier: ISC
#
# dns_standin.py [FILE]: a name server on 127.0.0.1 that is of no use. It listens when it has said so. What it does depends
# on the first part of the name that it is asked for:
#
#     garbage     answers with what is no message
#     failure     answers SERVFAIL
#     late        answers every question for an IPv4 address with 203.0.113.10, but not before FILE is there
#     others      never answers
import os
import socket
import sys
import time

server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("127.0.0.1", 53))
print("listening", flush=True)


def late(query):
    if os.fork() > 0:
        return
    while not os.path.exists(sys.argv[1]):
        time.sleep(0.1)
    end = query.index(b"\0", 12) + 5
    wanted = query[end - 4:end - 2] == b"\0\1"
    record = b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4" + socket.inet_aton("203.0.113.10")
    header = query[:2] + b"\x81\x80\0\1" + (b"\0\1" if wanted else b"\0\0") + b"\0\0\0\0"
    server.sendto(header + query[12:end] + (record if wanted else b""), client)
    os._exit(0)


while True:
    query, client = server.recvfrom(512)
    mode = query[13:13 + query[12]]
    if mode == b"garbage":
        server.sendto(query[:2] + os.urandom(40), client)
    elif mode == b"failure":
        server.sendto(query[:2] + b"\x81\x82" + query[4:], client)
    elif mode == b"late":
        late(query)
