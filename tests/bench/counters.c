/* SPDX-License-Identifier: ISC */
/*
 * A fixed script for the relays, whose work is counted from outside (counters.bash): see script.h.
 *
 *     counters        prints "NAME UNITS" after each part
 */
#include "script.h"

#include <netinet/in.h>
#include <netinet/udp.h>

#define MIB (1024 * 1024)
#define STEP (512 * 1024) /* of a transfer, which sockets' buffers have room for */
#define STEPS_AT_FIRST 16 /* until buffers and windows have their sizes */
#define STEPS 64
#define MESSAGE 100
#define CROWD 64
#define ROUNDS 100
#define CROWD_ROUNDS 10
#define BURST 32
#define SEGMENTS 16
#define SEGMENT 1200
#define LONGEST_SECONDS 60

static struct relay_tcp *tcp;
static struct relay_udp *udp;
static int target; /* listens, or has the datagrams */
static uint8_t buf[STEP];

static void
set_receive_buffer(int fd)
{
	int size = 4 * STEP;

	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0)
		MUST(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size)) == 0);
}

static void
open_tcp(void)
{
	int fd = bind_to(SOCK_STREAM, "127.0.0.1", 0, &t.public);

	MUST(fd >= 0 && (target = bind_to(SOCK_STREAM, "127.0.0.1", 0, &t.mapping.target)) >= 0);
	set_receive_buffer(fd);
	set_receive_buffer(target);
	MUST(listen(target, CROWD) == 0);
	MUST((tcp = relay_tcp_open(t.base, &t.mapping, fd, &t.counters)) != NULL);
}

static void
close_tcp(void)
{
	relay_tcp_close(tcp);
	close(target);
}

struct connection {
	int client;
	int server;
};

static void
open_connection(struct connection *c)
{
	c->client = connect_to(SOCK_STREAM, &t.public);
	LET_WORK_UNTIL((c->server = accept4(target, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0);
}

static void
close_connection(struct connection *c)
{
	uint64_t left = t.counters.connections - 1;

	close(c->client);
	LET_WORK_UNTIL(recv(c->server, buf, 1, 0) == 0);
	close(c->server);
	LET_WORK_UNTIL(t.counters.connections == left);
}

static void
say(int fd)
{
	MUST(send(fd, buf, MESSAGE, 0) == MESSAGE);
}

static bool
hears(int fd)
{
	ssize_t n = recv(fd, buf, MESSAGE, 0);

	MUST(n == MESSAGE || (n < 0 && errno == EAGAIN));
	return n > 0;
}

static void
exchange(const struct connection *c)
{
	say(c->client);
	LET_WORK_UNTIL(hears(c->server));
	say(c->server);
	LET_WORK_UNTIL(hears(c->client));
}

static void
count_connections(void)
{
	struct connection c;
	int i;

	for (i = 0; i <= ROUNDS; i++) {
		open_connection(&c);
		close_connection(&c);
		script.counting = true;
	}
	end_part("tcp-connection", ROUNDS);
}

static void
count_messages(void)
{
	struct connection c;
	int i;

	open_connection(&c);
	for (i = 0; i <= ROUNDS; i++) {
		exchange(&c);
		script.counting = true;
	}
	end_part("tcp-message", ROUNDS);
	close_connection(&c);
}

/* All speak at the same moment. */
static void
exchange_in_crowd(const struct connection *crowd)
{
	int i;

	for (i = 0; i < CROWD; i++)
		say(crowd[i].client);
	for (i = 0; i < CROWD; i++)
		LET_WORK_UNTIL(hears(crowd[i].server));
	for (i = 0; i < CROWD; i++)
		say(crowd[i].server);
	for (i = 0; i < CROWD; i++)
		LET_WORK_UNTIL(hears(crowd[i].client));
}

static void
count_crowd(void)
{
	struct connection crowd[CROWD];
	int i;

	for (i = 0; i < CROWD; i++)
		open_connection(&crowd[i]);
	for (i = 0; i <= CROWD_ROUNDS; i++) {
		exchange_in_crowd(crowd);
		script.counting = true;
	}
	end_part("tcp-message-crowd", CROWD * CROWD_ROUNDS);
	for (i = 0; i < CROWD; i++)
		close_connection(&crowd[i]);
}

static size_t
drain(int fd)
{
	size_t got = 0;
	ssize_t n;

	while ((n = recv(fd, buf, sizeof(buf), 0)) > 0)
		got += (size_t)n;
	MUST(n < 0 && errno == EAGAIN);
	return got;
}

/* The whole step is with the relay before it begins, and out of its hands before the next. */
static void
pass_step(int from, int to)
{
	size_t sent = 0, got = 0;
	ssize_t n;

	while (got < STEP) {
		while (sent < STEP && (n = send(from, buf, STEP - sent, 0)) > 0)
			sent += (size_t)n;
		let_work();
		got += drain(to);
	}
}

static void
count_transfer(const char *name, int from, int to)
{
	int i;

	for (i = 0; i < STEPS_AT_FIRST + STEPS; i++) {
		script.counting = i >= STEPS_AT_FIRST;
		pass_step(from, to);
	}
	end_part(name, STEPS * STEP / MIB);
}

static void
count_transfers(void)
{
	struct connection c;

	open_connection(&c);
	set_receive_buffer(c.client);
	count_transfer("tcp-mib-in", c.client, c.server);
	count_transfer("tcp-mib-out", c.server, c.client);
	close_connection(&c);
}

static void
open_udp(void)
{
	int fd = bind_to(SOCK_DGRAM, "127.0.0.1", 0, &t.public);

	MUST(fd >= 0 && (target = bind_to(SOCK_DGRAM, "127.0.0.1", 0, &t.mapping.target)) >= 0);
	set_receive_buffer(fd);
	set_receive_buffer(target);
	MUST((udp = relay_udp_open(t.base, &t.mapping, fd, &t.counters)) != NULL);
}

static void
close_udp(void)
{
	relay_udp_close(udp);
	close(target);
}

/* count calls of sends, each size bytes; connected, or *to says where to. */
static void
send_datagrams(int fd, const struct addr *to, int count, size_t size)
{
	int i;

	for (i = 0; i < count; i++)
		MUST(sendto(fd, buf, size, 0, to == NULL ? NULL : &to->sa, to == NULL ? 0 : addr_len(to)) ==
		    (ssize_t)size);
}

static void
receive_datagrams(int fd, int count, struct addr *from)
{
	socklen_t length = sizeof(*from);
	int got = 0;

	while (got < count) {
		LET_WORK_UNTIL(recvfrom(fd, buf, sizeof(buf), 0, &from->sa, &length) > 0);
		got++;
	}
}

/* There and back: count datagrams in calls of size bytes. */
static void
exchange_datagrams(int client, int count, int calls, size_t size)
{
	struct addr from = {0}, ignored = {0};

	send_datagrams(client, NULL, calls, size);
	receive_datagrams(target, count, &from);
	send_datagrams(target, &from, calls, size);
	receive_datagrams(client, count, &ignored);
}

static void
count_datagrams(const char *name, int count, int calls, size_t size)
{
	int client = connect_to(SOCK_DGRAM, &t.public), rounds = count == 1 ? ROUNDS : CROWD_ROUNDS, i;

	set_receive_buffer(client);
	if (calls < count)
		MUST(setsockopt(client, IPPROTO_UDP, UDP_SEGMENT, &(int){SEGMENT}, sizeof(int)) == 0 &&
		    setsockopt(target, IPPROTO_UDP, UDP_SEGMENT, &(int){SEGMENT}, sizeof(int)) == 0);
	for (i = 0; i <= rounds; i++) {
		exchange_datagrams(client, count, calls, size);
		script.counting = true;
	}
	end_part(name, 2 * count * rounds);
	close(client);
}

/* A client's first datagram and its answer. */
static void
count_sessions(void)
{
	int clients[ROUNDS + 1], i;

	for (i = 0; i <= ROUNDS; i++) {
		clients[i] = connect_to(SOCK_DGRAM, &t.public);
		exchange_datagrams(clients[i], 1, 1, MESSAGE);
		script.counting = true;
	}
	end_part("udp-session", ROUNDS);
	for (i = 0; i <= ROUNDS; i++)
		close(clients[i]);
}

int
main(void)
{
	alarm(LONGEST_SECONDS);
	script_start();
	open_tcp();
	count_connections();
	count_messages();
	count_crowd();
	count_transfers();
	close_tcp();
	open_udp();
	count_sessions();
	count_datagrams("udp-datagram", 1, 1, MESSAGE);
	count_datagrams("udp-burst", BURST, BURST, MESSAGE);
	count_datagrams("udp-segment", SEGMENTS, 1, SEGMENTS * SEGMENT);
	close_udp();
	loop_end();
	return 0;
}
