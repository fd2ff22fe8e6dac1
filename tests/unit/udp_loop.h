/* SPDX-License-Identifier: ISC */
/*
 * What the UDP relay's tests share: the relay under test on loop.h's loop, its
 * target, which is a socket of the test, and exchanges through it.
 */
#ifndef UDP_LOOP_H
#define UDP_LOOP_H

#include "loop.h"

#define LONGEST 65507 /* IPv4's */
#define NOTHING (-1)

static struct relay_udp *relay;
static int target; /* the target's socket */
static uint8_t buf[70000];

static inline void
open_target(const char *ip, uint16_t port)
{
	MUST((target = bind_to(SOCK_DGRAM, ip, port, &t.mapping.target)) >= 0);
}

/* Returns false if this machine does not have that address. */
static inline bool
open_relay(const char *ip)
{
	int fd = bind_to(SOCK_DGRAM, ip, 0, &t.public);

	if (fd < 0) {
		printf("skipped, no address %s here\n", ip);
		return false;
	}
	memset(&t.counters, 0, sizeof(t.counters));
	t.log_lines = 0;
	t.last_line[0] = '\0';
	relay = relay_udp_open(t.base, &t.mapping, fd, &t.counters);
	MUST(relay != NULL);
	return true;
}

static inline void
close_all(void)
{
	relay_udp_close(relay);
	CHECK(t.counters.connections == 0);
	close(target);
}

/* Returns the number of bytes, or NOTHING. */
static inline ssize_t
receive(int fd)
{
	ssize_t n = recv(fd, buf, sizeof(buf), 0);

	return n < 0 ? NOTHING : n;
}

static inline ssize_t
wait_for(int fd)
{
	double give_up = net_now() + PATIENCE;
	ssize_t n = receive(fd);

	while (n == NOTHING && net_now() < give_up) {
		turn();
		n = receive(fd);
	}
	return n;
}

/* The target sends everything back to where it came from. */
static inline int
echo(void)
{
	struct sockaddr_storage from;
	socklen_t length = sizeof(from);
	int count = 0;
	ssize_t n;

	while ((n = recvfrom(target, buf, sizeof(buf), 0, (struct sockaddr *)&from, &length)) >= 0) {
		CHECK(sendto(target, buf, (size_t)n, 0, (struct sockaddr *)&from, length) == n);
		length = sizeof(from);
		count++;
	}
	return count;
}

static inline void
wait_and_echo(int wanted)
{
	int count = 0;

	WAIT_FOR((count += echo()) >= wanted);
	CHECK(count == wanted);
}

/* A client's session; where the target sees it is returned. */
static inline struct addr
meet(int client)
{
	struct addr seen = {0};
	socklen_t length = sizeof(seen);
	double give_up = net_now() + PATIENCE;

	CHECK(send(client, "hello", 5, 0) == 5);
	while (recvfrom(target, buf, sizeof(buf), 0, &seen.sa, &length) < 0 && net_now() < give_up)
		turn();
	return seen;
}

static inline void
check_exchange(int client, size_t length)
{
	uint8_t data[LONGEST];
	size_t i;

	for (i = 0; i < length; i++)
		data[i] = (uint8_t)(i * 7 + length + (i >> 8));
	CHECK(send(client, data, length, 0) == (ssize_t)length);
	wait_and_echo(1);
	CHECK(wait_for(client) == (ssize_t)length);
	CHECK(memcmp(buf, data, length) == 0);
}

#endif
