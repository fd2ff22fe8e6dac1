# SPDX-License-Identifier: ISC
#
# dns_standin.py MODE: a name server on 127.0.0.1 that is of no use. It listens when it has said so.
#
#     silent      never answers
#     garbage     answers with what is no message
#     failure     answers SERVFAIL
#     SECONDS     answers every question for an IPv4 address with 203.0.113.10, so late
import os
import socket
import sys
import time

mode = sys.argv[1]
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("127.0.0.1", 53))
print("listening", flush=True)


def answer(query):
    if mode == "garbage":
        return query[:2] + os.urandom(40)
    if mode == "failure":
        return query[:2] + b"\x81\x82" + query[4:]
    end = query.index(b"\0", 12) + 5
    wanted = query[end - 4:end - 2] == b"\0\1"
    record = b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4" + socket.inet_aton("203.0.113.10")
    header = query[:2] + b"\x81\x80\0\1" + (b"\0\1" if wanted else b"\0\0") + b"\0\0\0\0"
    return header + query[12:end] + (record if wanted else b"")


while True:
    query, client = server.recvfrom(512)
    if mode == "silent":
        continue
    if mode.isdigit():
        if os.fork() > 0:
            continue
        time.sleep(int(mode))
    server.sendto(answer(query), client)
    if mode.isdigit():
        os._exit(0)
