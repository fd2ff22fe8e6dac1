/* SPDX-License-Identifier: ISC */
/*
 * The echo on the loopback interface: what comes back, and what does not.
 * NEEDS: worker/echo worker/datagram worker/buffer worker/net
 */
#include "echo.h"
#include "loop.h"

static struct echo *echo;
static int told;
static struct addr late_from;

static void
on_connections(void *context)
{
	(void)context;
	told++;
}

static bool
claim_datagram(void *context, const struct addr *from, const void *data, size_t length)
{
	(void)context;
	return addr_equal(from, &late_from) && length == 4 && memcmp(data, "late", 4) == 0;
}

/* Returns false if this machine does not have that address. */
static bool
open_echo(const char *ip)
{
	int fd = bind_to(SOCK_DGRAM, ip, 0, &t.public);

	if (fd < 0) {
		printf("skipped, no address %s here\n", ip);
		return false;
	}
	memset(&t.counters, 0, sizeof(t.counters));
	memset(&late_from, 0, sizeof(late_from));
	t.counters.on_connections = on_connections;
	t.counters.claim_datagram = claim_datagram;
	told = 0;
	MUST((echo = echo_open(t.base, fd, &t.counters)) != NULL);
	return true;
}

static bool
comes_back(int fd, const char *text, size_t length)
{
	char back[2000];
	ssize_t n = -1;

	CHECK(send(fd, text, length, 0) == (ssize_t)length);
	WAIT_FOR(n >= 0 || (n = recv(fd, back, sizeof(back), 0)) >= 0);
	return n == (ssize_t)length && memcmp(text, back, length) == 0;
}

static void
test_echo(const char *bound, const char *reached)
{
	struct addr to = address(reached);
	char big[1400];
	int fd;

	if (!open_echo(bound))
		return;
	memset(big, 'b', sizeof(big));
	addr_set_port(&to, addr_port(&t.public));
	/* Connected: what left from another address than the one it was sent to would not arrive. */
	fd = connect_to(SOCK_DGRAM, &to);
	CHECK(comes_back(fd, "hello", 5));
	CHECK(comes_back(fd, "", 0));
	CHECK(comes_back(fd, big, sizeof(big)));
	CHECK(t.counters.bytes_in == 1405 && t.counters.bytes_out == 1405);
	CHECK(told == 3 && t.counters.connections == 0);
	close(fd);
	echo_close(echo);
}

/* A client of this port sends, and another one after it: who has an answer first? */
static void
test_no_echo(uint16_t port, const char *text, const char *other)
{
	struct addr from;
	int silent, usual;
	char back[100];

	MUST(open_echo("127.0.0.1"));
	silent = bind_to(SOCK_DGRAM, "127.0.0.1", port, &from);
	if (silent < 0 && port != 0) {
		printf("skipped, port %u cannot be had here\n", port);
		echo_close(echo);
		return;
	}
	MUST(connect(silent, &t.public.sa, addr_len(&t.public)) == 0);
	late_from = from;
	usual = connect_to(SOCK_DGRAM, &t.public);
	CHECK(send(silent, text, strlen(text), 0) == (ssize_t)strlen(text));
	CHECK(comes_back(usual, "hello", 5));
	CHECK(recv(silent, back, sizeof(back), 0) < 0 && errno == EAGAIN);
	if (other != NULL)
		CHECK(comes_back(silent, other, strlen(other)));
	close(silent);
	close(usual);
	echo_close(echo);
}

/* Injected: it came by another socket, and its answer leaves by this one. */
static void
test_inject(void)
{
	struct addr from;
	char back[100];
	ssize_t n = -1;
	int fd;

	MUST(open_echo("127.0.0.1"));
	MUST((fd = bind_to(SOCK_DGRAM, "127.0.0.1", 0, &from)) >= 0);
	echo_inject(echo, &from, "stray", 5);
	WAIT_FOR(n >= 0 || (n = recv(fd, back, sizeof(back), 0)) >= 0);
	CHECK(n == 5 && memcmp(back, "stray", 5) == 0 && told == 1);
	close(fd);
	echo_close(echo);
}

/* From that many clients, one datagram each. */
static void
test_rate(void)
{
	struct addr from = address("127.0.0.1");
	unsigned int i;

	MUST(open_echo("127.0.0.1"));
	for (i = 0; i < 3 * ECHO_A_SECOND; i++) {
		addr_set_port(&from, (uint16_t)(20000 + i));
		echo_inject(echo, &from, "x", 1);
	}
	CHECK(t.counters.bytes_in == 3 * ECHO_A_SECOND);
	CHECK(t.counters.bytes_out >= ECHO_A_SECOND);
	CHECK(t.counters.bytes_out < 3 * ECHO_A_SECOND);
	echo_close(echo);
}

/* How many of many datagrams of one client are answered? */
static uint64_t
count_answers(bool all_the_same)
{
	struct addr from = address("127.0.0.1:20000");
	uint64_t before = t.counters.bytes_out;
	uint32_t i, payload;

	for (i = 0; i < 2 * ECHO_BUDGET; i++) {
		payload = all_the_same ? 0 : i;
		echo_inject(echo, &from, &payload, sizeof(payload));
	}
	return (t.counters.bytes_out - before) / sizeof(payload);
}

/* A client who has had his share is not answered, the others are. */
static void
test_budget(void)
{
	uint64_t n;
	int fd;

	MUST(open_echo("127.0.0.1"));
	n = count_answers(false);
	CHECK(n >= ECHO_BUDGET && n < 2 * ECHO_BUDGET);
	fd = connect_to(SOCK_DGRAM, &t.public);
	CHECK(comes_back(fd, "hello", 5));
	close(fd);
	echo_close(echo);
	MUST(open_echo("127.0.0.1"));
	n = count_answers(true);
	CHECK(n >= ECHO_BUDGET / ECHO_REPETITION && n < ECHO_BUDGET);
	echo_close(echo);
}

/* Sends back what the echo sent; returns how many that were. */
static int
reflect(int mirror)
{
	char data[100];
	ssize_t n;
	int count = 0;

	for (; (n = recv(mirror, data, sizeof(data), 0)) >= 0; count++)
		CHECK(send(mirror, data, (size_t)n, 0) == n);
	return count;
}

/* Another echo, with a way to it that takes time: a spoofed datagram or several go
 * around, until one turn brings none back. */
static void
test_slow_mirror(int spoofed)
{
	double turn_ends = net_now() + 0.01;
	uint64_t sent = 0;
	int i, mirror, back = 1;

	MUST(open_echo("127.0.0.1"));
	mirror = connect_to(SOCK_DGRAM, &t.public);
	for (i = 0; i < spoofed; i++)
		CHECK(send(mirror, &i, sizeof(i), 0) == sizeof(i));
	sent = (uint64_t)spoofed;
	while (back > 0 && sent < 10 * ECHO_BUDGET) {
		WAIT_FOR(t.counters.bytes_in == sent * sizeof(i) && net_now() >= turn_ends);
		turn_ends = net_now() + 0.01;
		back = reflect(mirror);
		sent += (uint64_t)back;
	}
	CHECK(back == 0);
	close(mirror);
	echo_close(echo);
}

int
main(void)
{
	loop_start();
	test_echo("127.0.0.1", "127.0.0.1");
	test_echo("0.0.0.0", "127.0.0.5");
	test_echo("::1", "::1");
	test_echo("::", "::1");
	test_no_echo(ECHO_PORT_MIN - 1, "low", NULL);
	test_no_echo(7, "low", NULL);
	test_no_echo(ECHO_PORT_MIN, "late", "high");
	test_no_echo(0, "late", "no late answer");
	test_inject();
	test_rate();
	test_budget();
	test_slow_mirror(1);
	test_slow_mirror(10);
	loop_end();
	return check_done();
}
