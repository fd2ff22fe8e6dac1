/* SPDX-License-Identifier: ISC */
/*
 * Datagrams that travel together through the UDP relay: each arrives with its size
 * and content, in order, whether they came as one, leave as one, or may not.
 * NEEDS: worker/relay worker/relay_udp worker/udp_sessions worker/admission worker/clients worker/expiry worker/chains worker/sendqueue worker/datagram worker/buffer worker/net
 */
#include <netinet/udp.h>

#include "udp_loop.h"

#define SEGMENT 1400
#define SEGMENTS 46 /* as many as fit */
#define SHORTER 700

/* The byte at place i of datagram number n. */
static uint8_t
byte_of(int n, size_t i)
{
	return (uint8_t)(n * 31 + (int)(i * 7) + (int)(i >> 8));
}

static void
fill(uint8_t *data, int n, size_t length)
{
	size_t i;

	for (i = 0; i < length; i++)
		data[i] = byte_of(n, i);
}

static bool
is_datagram(const uint8_t *data, int n, size_t length)
{
	size_t i;

	for (i = 0; i < length; i++)
		if (data[i] != byte_of(n, i))
			return false;
	return true;
}

/* Sends datagrams of that length as one, with numbers from 0 on. */
static void
send_segments(int fd, const struct addr *to, int count, size_t segment, size_t length)
{
	static uint8_t data[LONGEST];
	struct iovec part = {.iov_base = data, .iov_len = length};
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(uint16_t))];
	} control = {.header = {CMSG_LEN(sizeof(uint16_t)), IPPROTO_UDP, UDP_SEGMENT}};
	struct msghdr msg = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)};
	uint16_t size = (uint16_t)segment;
	int n;

	MUST(length <= sizeof(data));
	for (n = 0; n < count; n++)
		fill(data + (size_t)n * segment, n, n < count - 1 ? segment : length - (size_t)n * segment);
	memcpy(CMSG_DATA(&control.header), &size, sizeof(size));
	if (to != NULL) {
		msg.msg_name = (void *)(uintptr_t)&to->sa;
		msg.msg_namelen = addr_len(to);
	}
	CHECK(sendmsg(fd, &msg, 0) == (ssize_t)length);
}

static void
check_first(int fd, int count, size_t segment, size_t last)
{
	int n, right = 0;

	for (n = 0; n < count; n++) {
		size_t wanted = n < count - 1 ? segment : last;

		right += wait_for(fd) == (ssize_t)wanted && is_datagram(buf, n, wanted);
	}
	CHECK(right == count);
}

static void
check_received(int fd, int count, size_t segment, size_t last)
{
	check_first(fd, count, segment, last);
	CHECK(receive(fd) == NOTHING);
}

/* To receivers that know nothing of segments, through a relay that is bound to all
 * addresses or to the one that the client speaks to. */
static void
test_one_by_one(const char *bind_ip, const char *ip)
{
	size_t length = (SEGMENTS - 1) * SEGMENT + SHORTER;
	struct addr session, public = address(ip);
	int client;

	if (!open_relay(bind_ip))
		return;
	open_target(ip, 0);
	addr_set_port(&public, addr_port(&t.public));
	client = connect_to(SOCK_DGRAM, &public);
	send_segments(client, NULL, SEGMENTS, SEGMENT, length); /* of somebody unknown as yet */
	check_received(target, SEGMENTS, SEGMENT, SHORTER);
	session = meet(client);
	send_segments(client, NULL, SEGMENTS, SEGMENT, length);
	check_received(target, SEGMENTS, SEGMENT, SHORTER);
	send_segments(target, &session, SEGMENTS, SEGMENT, length);
	check_received(client, SEGMENTS, SEGMENT, SHORTER);
	send_segments(target, &session, 3, 1, 3);
	check_received(client, 3, 1, 1);
	send_segments(client, NULL, 5, 100, 500); /* of two lengths in one batch */
	send_segments(client, NULL, 10, 50, 500);
	check_first(target, 5, 100, 100);
	check_received(target, 10, 50, 50);
	CHECK(t.counters.bytes_in == 2 * length + 1005 && t.counters.bytes_out == length + 3);
	CHECK(t.counters.connections_total == 1 && t.log_lines == 0);
	close(client);
	close_all();
}

/* A receiver that asked for it gets them as one: returns the number of bytes. */
static ssize_t
receive_as_one(int fd, int *segment)
{
	struct iovec part = {.iov_base = buf, .iov_len = sizeof(buf)};
	char control[CMSG_SPACE(sizeof(int))];
	struct msghdr msg = {
	    .msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
	double give_up = net_now() + PATIENCE;
	struct cmsghdr *c;
	ssize_t n;

	while ((n = recvmsg(fd, &msg, 0)) < 0 && net_now() < give_up)
		turn();
	c = CMSG_FIRSTHDR(&msg);
	*segment = 0;
	if (c != NULL && c->cmsg_type == UDP_GRO)
		memcpy(segment, CMSG_DATA(c), sizeof(*segment));
	return n;
}

static void
ask_as_one(int fd)
{
	int on = 1;

	MUST(setsockopt(fd, IPPROTO_UDP, UDP_GRO, &on, sizeof(on)) == 0);
}

/* What came as one leaves as one, and so do many of one length that came singly. */
static void
test_as_one(void)
{
	static uint8_t data[SEGMENT];
	struct addr session;
	int client, segment, i;

	open_target("127.0.0.1", 0);
	open_relay("127.0.0.1");
	client = connect_to(SOCK_DGRAM, &t.public);
	session = meet(client);
	for (i = 0; i < 3; i++) { /* in turns on end, so that the session counts as busy */
		CHECK(sendto(target, "x", 1, 0, &session.sa, addr_len(&session)) == 1);
		CHECK(wait_for(client) == 1);
	}
	ask_as_one(client);
	ask_as_one(target);
	send_segments(client, NULL, 20, SEGMENT, 20 * SEGMENT);
	CHECK(receive_as_one(target, &segment) == 20 * SEGMENT && segment == SEGMENT);
	send_segments(target, &session, 20, SEGMENT, 20 * SEGMENT);
	CHECK(receive_as_one(client, &segment) == 20 * SEGMENT && segment == SEGMENT);
	CHECK(t.counters.bytes_out == 20 * SEGMENT + 3);
	for (i = 0; i < 30; i++)
		CHECK(send(client, data, SEGMENT, 0) == SEGMENT);
	CHECK(send(client, data, SHORTER, 0) == SHORTER);
	CHECK(receive_as_one(target, &segment) == 30 * SEGMENT + SHORTER && segment == SEGMENT);
	for (i = 0; i < 30; i++)
		CHECK(sendto(target, data, SEGMENT, 0, &session.sa, addr_len(&session)) == SEGMENT);
	CHECK(receive_as_one(client, &segment) == 30 * SEGMENT && segment == SEGMENT);
	close(client);
	close_all();
}

static const size_t mixed[] = {0, 100, 100, 100, 50, 50, 0, 0, 200, 100, 100, 1, 1, 1, 0, LONGEST, 1400, 1400, 1400,
    1399, 1400, 1400, 2, 3, 4, 5, 5, 5, 0, 3000, 3000, 3000, 3000, 7};

#define MIXED ((int)(sizeof(mixed) / sizeof(mixed[0])))

static void
send_mixed(int fd, const struct addr *to)
{
	static uint8_t data[LONGEST];
	int n;

	for (n = 0; n < MIXED; n++) {
		fill(data, n, mixed[n]);
		CHECK(sendto(fd, data, mixed[n], 0, to == NULL ? NULL : &to->sa, to == NULL ? 0 : addr_len(to)) ==
		      (ssize_t)mixed[n]);
	}
}

static void
check_mixed(int fd)
{
	int n, right = 0;

	for (n = 0; n < MIXED; n++)
		right += wait_for(fd) == (ssize_t)mixed[n] && is_datagram(buf, n, mixed[n]);
	CHECK(right == MIXED);
	CHECK(receive(fd) == NOTHING);
}

/* All sizes in one burst, in order. */
static void
test_mixed(void)
{
	struct addr session;
	int client;

	open_target("127.0.0.1", 0);
	open_relay("127.0.0.1");
	client = connect_to(SOCK_DGRAM, &t.public);
	session = meet(client);
	send_mixed(client, NULL);
	check_mixed(target);
	send_mixed(target, &session);
	check_mixed(client);
	close(client);
	close_all();
}

#define TALKERS 5
#define ROUNDS 12

/* Several clients in one batch: each keeps its own order, and gets its own answers. */
static void
test_talkers(void)
{
	int clients[TALKERS], i, k, right = 0;
	int value[2];

	open_target("127.0.0.1", 0);
	open_relay("127.0.0.1");
	for (i = 0; i < TALKERS; i++) {
		clients[i] = connect_to(SOCK_DGRAM, &t.public);
		meet(clients[i]);
	}
	for (k = 0; k < ROUNDS; k++)
		for (i = 0; i < TALKERS; i++) {
			value[0] = i;
			value[1] = k;
			CHECK(send(clients[i], value, sizeof(value), 0) == sizeof(value));
		}
	wait_and_echo(TALKERS * ROUNDS);
	for (i = 0; i < TALKERS; i++) {
		for (k = 0; k < ROUNDS; k++) {
			value[0] = value[1] = -1;
			if (wait_for(clients[i]) == sizeof(value))
				memcpy(value, buf, sizeof(value));
			right += value[0] == i && value[1] == k;
		}
		close(clients[i]);
	}
	CHECK(right == TALKERS * ROUNDS);
	close_all();
}

/* The kernel sends nothing as one from a socket without checksums. */
static void
forbid_segments(int fd)
{
	int on = 1;

	MUST(setsockopt(fd, SOL_SOCKET, SO_NO_CHECK, &on, sizeof(on)) == 0);
}

/* Where it is refused they arrive all the same, and one line says so. */
static void
test_refused_as_one(void)
{
	struct addr session;
	int client, round;

	open_target("127.0.0.1", 0);
	open_relay("127.0.0.1");
	client = connect_to(SOCK_DGRAM, &t.public);
	session = meet(client);
	forbid_segments(find_socket(addr_of_peer, &t.mapping.target));
	forbid_segments(find_socket(addr_of_socket, &t.public));
	for (round = 0; round < 3; round++) {
		send_segments(client, NULL, SEGMENTS, SEGMENT, SEGMENTS * SEGMENT);
		check_received(target, SEGMENTS, SEGMENT, SEGMENT);
		send_segments(target, &session, SEGMENTS, SEGMENT, SEGMENTS * SEGMENT - 1);
		check_received(client, SEGMENTS, SEGMENT, SEGMENT - 1);
		send_mixed(client, NULL);
		check_mixed(target);
		send_mixed(target, &session);
		check_mixed(client);
		CHECK(t.log_lines == 1 && strstr(t.last_line, "1400 bytes cannot be sent as one") != NULL);
	}
	CHECK(t.counters.connections == 1 && t.counters.connections_total == 1);
	close(client);
	close_all();
}

static int shown;

static bool
is_late(void *context, const struct addr *from, const void *data, size_t length)
{
	(void)context;
	(void)from;
	shown++;
	return length == 4 && memcmp(data, "late", 4) == 0;
}

static void
send_text_segments(int fd, const char *text)
{
	int segment = 4, none = 0;

	MUST(setsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, &segment, sizeof(segment)) == 0);
	CHECK(send(fd, text, strlen(text), 0) == (ssize_t)strlen(text));
	MUST(setsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, &none, sizeof(none)) == 0);
}

/* Of what comes as one from somebody unknown the owner sees each, until one is a client's. */
static void
test_claimed(void)
{
	int client, other;

	open_target("127.0.0.1", 0);
	open_relay("127.0.0.1");
	t.counters.claim_datagram = is_late;
	client = connect_to(SOCK_DGRAM, &t.public);
	other = connect_to(SOCK_DGRAM, &t.public);
	shown = 0;
	send_text_segments(other, "latelatelate");
	WAIT_FOR(shown == 3);
	send_text_segments(client, "latelategoodlateend");
	CHECK(wait_for(target) == 4 && memcmp(buf, "good", 4) == 0);
	CHECK(wait_for(target) == 4 && memcmp(buf, "late", 4) == 0);
	CHECK(wait_for(target) == 3 && memcmp(buf, "end", 3) == 0);
	CHECK(shown == 6 && t.counters.connections_total == 1 && t.counters.bytes_in == 11);
	CHECK(receive(target) == NOTHING);
	close(client);
	close(other);
	close_all();
}

/* The target's error, whichever way they are sent, ends that session alone. */
static void
test_error_ends_one(bool as_one)
{
	struct addr there, nobody;
	int client, other, i, fd;

	open_target("127.0.0.1", 0);
	open_relay("127.0.0.1");
	client = connect_to(SOCK_DGRAM, &t.public);
	other = connect_to(SOCK_DGRAM, &t.public);
	check_exchange(client, 1);
	there = t.mapping.target;
	fd = bind_to(SOCK_DGRAM, "127.0.0.1", 0, &nobody);
	t.mapping.target = nobody; /* for new sessions */
	CHECK(send(other, "x", 1, 0) == 1);
	WAIT_FOR(t.counters.connections == 2);
	close(fd);
	/* Between the two there is a message of the client that stays. */
	for (i = 0; i < 10; i++)
		CHECK(send(other, buf, as_one ? 100 : 100 + (size_t)i, 0) > 0);
	CHECK(send(client, "y", 1, 0) == 1);
	for (i = 0; i < 10; i++)
		CHECK(send(other, buf, as_one ? 100 : 100 + (size_t)i, 0) > 0);
	WAIT_FOR(t.counters.connections == 1);
	t.mapping.target = there;
	wait_and_echo(1);
	CHECK(wait_for(client) == 1 && buf[0] == 'y');
	check_exchange(client, 1000);
	CHECK(t.counters.connections == 1 && t.counters.connections_total == 2);
	CHECK(t.log_lines == 2 && strstr(t.last_line, "answers again") != NULL);
	close(client);
	close(other);
	close_all();
}

/* What waits of a session goes before it must make room for a client in the same batch. */
static void
test_room_in_batch(void)
{
	int clients[2];

	open_target("127.0.0.1", 0);
	open_relay("127.0.0.1");
	clients[0] = connect_to(SOCK_DGRAM, &t.public);
	clients[1] = connect_to(SOCK_DGRAM, &t.public);
	meet(clients[0]);
	leave_descriptors(0);
	CHECK(send(clients[0], "a", 1, 0) == 1);
	CHECK(send(clients[1], "bb", 2, 0) == 2);
	CHECK(send(clients[0], "ccc", 3, 0) == 3);
	CHECK(wait_for(target) == 1);
	CHECK(wait_for(target) == 2);
	CHECK(wait_for(target) == 3);
	CHECK(t.counters.connections == 1 && t.counters.connections_total == 3);
	raise_nofile();
	close(clients[0]);
	close(clients[1]);
	close_all();
}

#ifndef __SANITIZE_ADDRESS__ /* which keeps what is freed */

/* Bytes that no other process can have. */
static long
private_memory(void)
{
	FILE *f = check_in_valgrind() ? NULL : fopen("/proc/self/smaps_rollup", "re");
	char line[256];
	long kib = -1;

	if (f == NULL)
		return -1;
	while (fgets(line, sizeof(line), f) != NULL)
		sscanf(line, "Private_Dirty: %ld", &kib);
	fclose(f);
	return kib * 1024;
}

#define CROWD 1000

static void
crowd(void)
{
	struct addr from = address("192.0.2.1");
	int i;

	for (i = 1; i <= CROWD; i++) {
		addr_set_port(&from, (uint16_t)i);
		relay_udp_inject(relay, &from, "x", 1);
	}
	CHECK(t.counters.connections == CROWD + 1);
}

static void
burst(int client)
{
	int i;

	for (i = 0; i < 3; i++)
		send_segments(client, NULL, SEGMENTS, SEGMENT, SEGMENTS * SEGMENT);
	WAIT_FOR(t.counters.bytes_in > 3 * SEGMENTS * SEGMENT);
}

/* 1,000 sessions and a burst cost little, and nothing when they are over. */
static void
test_memory(void)
{
	long before, with_sessions, with_burst;
	void *later;
	int client;

	if (raise_nofile() < CROWD + 100 || private_memory() < 0) {
		printf("skipped, no %d descriptors or no smaps_rollup\n", CROWD);
		return;
	}
	t.mapping.udp_timeout = 1;
	open_target("127.0.0.1", 0);
	open_relay("127.0.0.1");
	client = connect_to(SOCK_DGRAM, &t.public);
	check_exchange(client, 1);
	before = private_memory();
	crowd();
	with_sessions = private_memory() - before;
	later = malloc(40000); /* the heap goes on behind them */
	MUST(later != NULL);
	while (receive(target) != NOTHING)
		continue;
	burst(client);
	with_burst = private_memory() - before;
	printf("%d sessions: %ld KiB; and a burst: %ld KiB\n", CROWD, with_sessions / 1024, with_burst / 1024);
	CHECK(with_sessions < 512 * 1024 && with_burst > with_sessions + 64 * 1024);
	WAIT_FOR(t.counters.connections == 0);
	WAIT_FOR(private_memory() < before + 64 * 1024);
	t.mapping.udp_timeout = 60;
	free(later);
	close(client);
	close_all();
}

/* Calls for more than 10 datagrams a second. */
static bool
trickles(int client)
{
	static double sent;

	if (net_now() > sent + 0.05) {
		CHECK(send(client, "x", 1, 0) == 1);
		sent = net_now();
	}
	while (receive(target) != NOTHING)
		continue;
	return true;
}

/* What a burst used is given back although a little goes on. */
static void
test_memory_of_trickle(void)
{
	long before;
	int client;

	if (private_memory() < 0) {
		printf("skipped, no smaps_rollup\n");
		return;
	}
	open_target("127.0.0.1", 0);
	open_relay("127.0.0.1");
	client = connect_to(SOCK_DGRAM, &t.public);
	check_exchange(client, 1);
	before = private_memory();
	burst(client);
	CHECK(private_memory() > before + 64 * 1024);
	WAIT_FOR(trickles(client) && private_memory() < before + 64 * 1024);
	close(client);
	close_all();
}

#endif

int
main(void)
{
	int before = count_open();

	loop_start();
	log_set_level(LOG_LEVEL_DEBUG);
	test_one_by_one("127.0.0.1", "127.0.0.1");
	test_one_by_one("0.0.0.0", "127.0.0.2");
	test_one_by_one("::1", "::1");
	test_one_by_one("::", "::1");
	test_as_one();
	test_mixed();
	test_talkers();
	test_refused_as_one();
	test_claimed();
	test_error_ends_one(true);
	test_error_ends_one(false);
	test_room_in_batch();
#ifndef __SANITIZE_ADDRESS__
	test_memory();
	test_memory_of_trickle();
#endif
	loop_end();
	CHECK(count_open() == before);
	return check_done();
}
