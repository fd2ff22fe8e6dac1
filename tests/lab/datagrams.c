/* SPDX-License-Identifier: ISC */
/*
 * UDP traffic that is checked to the byte, for the lab's tests.
 *
 *     datagrams echo ADDRESS:PORT              sends every datagram back to where it came from
 *     datagrams send ADDRESS:PORT COUNT [LOCAL-ADDRESS]
 *     datagrams segments ADDRESS:PORT COUNT [LOCAL-ADDRESS]
 *
 * "send" sends COUNT datagrams of varying size (4 to 65,507 bytes), a window of
 * them at a time, and checks each that comes back: its number, its length and
 * every byte.  It prints "COUNT sent, N back, N damaged" and succeeds if all came
 * back undamaged.  "segments" does so with datagrams of 1,400 bytes, which the
 * kernel is given a window at a time as one message (UDP_SEGMENT).
 */
#include <errno.h>
#include <netinet/udp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "addr.h"

#define SIZE_MAX_UDP 65507
/* Few enough for their bytes to fit into any socket buffer on the way. */
#define WINDOW 32
#define PATIENCE_MS 5000

#define SEGMENT 1400

static uint8_t data[65536], expected[65536];
static bool as_one;

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
	if (as_one)
		return SEGMENT;
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

/* Returns how many were sent. */
static uint32_t
send_window(int fd, uint32_t first, uint32_t count)
{
	uint32_t i;

	if (count > WINDOW)
		count = WINDOW;
	for (i = 0; i < count; i++)
		fill(data + (size_t)i * SEGMENT, first + i);
	if (count > 0 && send(fd, data, (size_t)count * SEGMENT, 0) < 0)
		die("send");
	return count;
}

static uint32_t
send_singly(int fd, uint32_t first, uint32_t count)
{
	uint32_t i;

	for (i = 0; i < count; i++)
		if (send(fd, data, fill(data, first + i), 0) < 0)
			die("send");
	return count;
}

/* What the window has room for, of the datagrams that are left. */
static uint32_t
send_some(int fd, uint32_t sent, uint32_t back, uint32_t count)
{
	uint32_t room = WINDOW - (sent - back), left = count - sent;

	if (as_one)
		return room == WINDOW ? send_window(fd, sent, left) : 0;
	return send_singly(fd, sent, left < room ? left : room);
}

static int
open_connected(const struct addr *peer, const struct addr *local)
{
	int fd = open_bound(local), segment = SEGMENT;

	if (connect(fd, &peer->sa, addr_len(peer)) < 0)
		die("connect");
	if (as_one && setsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, &segment, sizeof(segment)) < 0)
		die("UDP_SEGMENT");
	return fd;
}

static int
send_all(const struct addr *peer, const struct addr *local, uint32_t count)
{
	int fd = open_connected(peer, local);
	uint32_t sent = 0, back = 0, damaged = 0, number;
	struct pollfd wait = {.fd = fd, .events = POLLIN};
	ssize_t n;

	while (back < count) {
		sent += send_some(fd, sent, back, count);
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
	as_one = argc >= 2 && strcmp(argv[1], "segments") == 0;
	if (argc >= 4 && (as_one || strcmp(argv[1], "send") == 0) && addr_parse(argv[2], 0, &peer) == 0 &&
	    addr_parse(argc > 4 ? argv[4] : "0.0.0.0", 0, &local) == 0)
		return send_all(&peer, &local, (uint32_t)strtoul(argv[3], NULL, 10));
	fprintf(stderr, "usage: datagrams echo ADDRESS:PORT | send|segments ADDRESS:PORT COUNT [LOCAL-ADDRESS]\n");
	return 2;
}
