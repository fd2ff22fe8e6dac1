/* SPDX-License-Identifier: ISC */
/*
 * UDP traffic that is checked to the byte, for the lab's tests.
 *
 *     datagrams echo ADDRESS:PORT              sends every datagram back to where it came from
 *     datagrams send ADDRESS:PORT COUNT [LOCAL-ADDRESS]
 *
 * "send" sends COUNT datagrams of varying size (4 to 65,507 bytes), a window of
 * them at a time, and checks each that comes back: its number, its length and
 * every byte.  It prints "COUNT sent, N back, N damaged" and succeeds if all came
 * back undamaged.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "addr.h"

#define SIZE_MAX_UDP 65507
/* Few enough for their bytes to fit into any socket buffer on the way. */
#define WINDOW 32
#define PATIENCE_MS 5000

static uint8_t data[65536], expected[65536];

static void
die(const char *what)
{
	fprintf(stderr, "datagrams: %s: %s\n", what, strerror(errno));
	exit(2);
}

/* Mostly small, some that fill a packet, a few as large as they get. */
static size_t
size_of(uint32_t number)
{
	if (number % 997 == 0)
		return SIZE_MAX_UDP;
	if (number % 7 == 0)
		return 1400;
	return 4 + number % 500;
}

/* The number itself, then bytes that follow from it. */
static size_t
fill(uint8_t *out, uint32_t number)
{
	size_t i, size = size_of(number);
	uint32_t x = number * 2654435761u + 1;

	memcpy(out, &number, sizeof(number));
	for (i = sizeof(number); i < size; i++) {
		x = x * 1664525u + 1013904223u;
		out[i] = (uint8_t)(x >> 24);
	}
	return size;
}

static int
open_bound(const struct addr *local)
{
	int fd = socket(local->sa.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0), size = 4 * 1024 * 1024, yes = 1;

	/* Shares its port with a natterd that punches for it. */
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) < 0 ||
	    bind(fd, &local->sa, addr_len(local)) < 0)
		die("bind");
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	return fd;
}

static void __attribute__((noreturn))
echo(const struct addr *local)
{
	int fd = open_bound(local);
	struct sockaddr_storage from;
	socklen_t length;
	ssize_t n;

	for (;;) {
		length = sizeof(from);
		n = recvfrom(fd, data, sizeof(data), 0, (struct sockaddr *)&from, &length);
		if (n >= 0)
			(void)sendto(fd, data, (size_t)n, 0, (struct sockaddr *)&from, length);
	}
}

static int
send_all(const struct addr *peer, const struct addr *local, uint32_t count)
{
	int fd = open_bound(local);
	uint32_t sent = 0, back = 0, damaged = 0, number;
	struct pollfd wait = {.fd = fd, .events = POLLIN};
	ssize_t n;

	if (connect(fd, &peer->sa, addr_len(peer)) < 0)
		die("connect");
	while (back < count) {
		for (; sent < count && sent - back < WINDOW; sent++)
			if (send(fd, data, fill(data, sent), 0) < 0)
				die("send");
		if (poll(&wait, 1, PATIENCE_MS) <= 0)
			break;
		n = recv(fd, data, sizeof(data), 0);
		if (n < 0)
			die("receive");
		back++;
		memcpy(&number, data, sizeof(number));
		if (n < 4 || number >= sent || fill(expected, number) != (size_t)n ||
		    memcmp(data, expected, (size_t)n) != 0)
			damaged++;
	}
	printf("%u sent, %u back, %u damaged\n", sent, back, damaged);
	return back == count && damaged == 0 ? 0 : 1;
}

int
main(int argc, char **argv)
{
	struct addr peer, local;

	if (argc >= 3 && strcmp(argv[1], "echo") == 0 && addr_parse(argv[2], 0, &local) == 0)
		echo(&local);
	if (argc >= 4 && strcmp(argv[1], "send") == 0 && addr_parse(argv[2], 0, &peer) == 0 &&
	    addr_parse(argc > 4 ? argv[4] : "0.0.0.0", 0, &local) == 0)
		return send_all(&peer, &local, (uint32_t)strtoul(argv[3], NULL, 10));
	fprintf(stderr, "usage: datagrams echo ADDRESS:PORT | send ADDRESS:PORT COUNT [LOCAL-ADDRESS]\n");
	return 2;
}
