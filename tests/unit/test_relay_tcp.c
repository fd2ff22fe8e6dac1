/* SPDX-License-Identifier: ISC */
/*
 * The TCP relay on the loopback interface: bytes, half-closes and resets both
 * ways, targets that refuse or are slow, many clients, no descriptors left.
 * NEEDS: worker/relay worker/relay_tcp worker/connections worker/connections_change worker/connections_idle worker/connections_dial worker/admission worker/clients worker/fence worker/uplink worker/expiry worker/target worker/pipes worker/poller worker/pump worker/buffer worker/testpage worker/net
 */
#include "loop.h"

#include <malloc.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/syscall.h>

#include "target.h"

#if defined(__has_feature) /* clang's way to say it */
#if __has_feature(address_sanitizer)
#define __SANITIZE_ADDRESS__ 1
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
size_t __sanitizer_get_current_allocated_bytes(void); /* not every compiler ships its header */
#endif

#define CHUNK (256 * 1024)
#define PERIOD 1048573 /* a prime, so that no lost or repeated block goes unnoticed */
#define MIB (1024 * 1024)

static struct relay_tcp *relay;
static int relay_fd;
static int listener; /* the target's */
static uint8_t pattern[PERIOD + CHUNK];
static uint8_t buf[CHUNK];

static void
make_pattern(void)
{
	uint32_t x = 1;
	size_t i;

	for (i = 0; i < sizeof(pattern); i++) {
		x = x * 1664525 + 1013904223;
		pattern[i] = i < PERIOD ? (uint8_t)(x >> 24) : pattern[i - PERIOD];
	}
}

static void
open_target(int backlog)
{
	MUST((listener = bind_to(SOCK_STREAM, "127.0.0.1", 0, &t.mapping.target)) >= 0);
	MUST(listen(listener, backlog) == 0);
}

static void
open_relay(void)
{
	relay_fd = bind_to(SOCK_STREAM, "127.0.0.1", 0, &t.public);
	MUST(relay_fd >= 0);
	memset(&t.counters, 0, sizeof(t.counters));
	t.log_lines = 0;
	t.last_line[0] = '\0';
	MUST((relay = relay_tcp_open(t.base, &t.mapping, relay_fd, &t.counters)) != NULL);
}

static void
close_all(void)
{
	relay_tcp_close(relay);
	CHECK(t.counters.connections == 0);
	close(listener);
}

static int
wait_for_accept(void)
{
	int fd = -1;

	WAIT_FOR(fd >= 0 || (fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0);
	return fd;
}

/* A client and the target's end of its connection. */
static void
open_connection(int *client, int *target)
{
	*client = connect_to(SOCK_STREAM, &t.public);
	*target = wait_for_accept();
}

/* Turns the loop until recv(2) has something to say; -1 with errno. */
static ssize_t
wait_for(int fd)
{
	double give_up = net_now() + PATIENCE;
	ssize_t n;

	while ((n = recv(fd, buf, sizeof(buf), 0)) < 0 && errno == EAGAIN && net_now() < give_up)
		turn();
	return n;
}

static bool
wait_for_reset(int fd)
{
	return wait_for(fd) == -1 && errno == ECONNRESET;
}

static void
check_passes(int from, int to, const char *text)
{
	size_t length = strlen(text), got = 0;
	char received[100] = "";
	ssize_t n = 1;

	CHECK(send(from, text, length, MSG_NOSIGNAL) == (ssize_t)length);
	while (got < length && n > 0) {
		n = wait_for(to);
		if (n > 0 && got + (size_t)n < sizeof(received))
			memcpy(received + got, buf, (size_t)n);
		got += n > 0 ? (size_t)n : 0;
	}
	CHECK_TEXT(received, text);
}

static void
close_with_reset(int fd)
{
	net_set_reset_on_close(fd);
	close(fd);
}

/* One direction of a transfer; what differs between two is where they begin in
 * the pattern. */
struct flow {
	int from;
	int to;
	size_t begin;
	uint64_t total;
	uint64_t sent;
	uint64_t received;
	bool ended;
	bool goes_on; /* no end follows */
};

static void
step_sender(struct flow *f)
{
	uint64_t left = f->total - f->sent;
	ssize_t n;

	if (left == 0)
		return;
	n = send(f->from, pattern + (f->sent + f->begin) % PERIOD, left < CHUNK ? left : CHUNK, MSG_NOSIGNAL);
	f->sent += n > 0 ? (uint64_t)n : 0;
	if (f->sent == f->total && !f->goes_on)
		CHECK(shutdown(f->from, SHUT_WR) == 0);
}

/* Returns whether it received something. */
static bool
receive_some(struct flow *f, size_t most)
{
	ssize_t n = recv(f->to, buf, most, 0);

	if (n > 0) {
		CHECK(memcmp(buf, pattern + (f->received + f->begin) % PERIOD, (size_t)n) == 0);
		f->received += (uint64_t)n;
	}
	f->ended = f->ended || n == 0;
	CHECK(n >= 0 || errno == EAGAIN);
	return n > 0;
}

static bool
step_receiver(struct flow *f)
{
	return receive_some(f, sizeof(buf));
}

static void
test_transfer(void)
{
	struct flow in = {.total = 64 * MIB}, out = {.total = 64 * MIB, .begin = 12345};
	double give_up = net_now() + PATIENCE;
	int client, target;

	open_target(5);
	open_relay();
	open_connection(&client, &target);
	in.from = out.to = client;
	in.to = out.from = target;
	while ((!in.ended || !out.ended) && check_failures == 0 && net_now() < give_up) {
		step_sender(&in);
		step_sender(&out);
		turn();
		step_receiver(&in);
		step_receiver(&out);
	}
	CHECK(in.received == in.total && out.received == out.total);
	WAIT_FOR(t.counters.connections == 0);
	CHECK(t.counters.bytes_in == in.total && t.counters.bytes_out == out.total);
	CHECK(t.counters.connections_total == 1 && t.log_lines == 0);
	close(client);
	close(target);
	close_all();
}

/* One side says its last word; the other goes on for as long as it likes. */
static void
check_half_close(int first, int second)
{
	check_passes(first, second, "question");
	CHECK(shutdown(first, SHUT_WR) == 0);
	CHECK(wait_for(second) == 0);
	CHECK(t.counters.connections == 1);
	check_passes(second, first, "answer");
	check_passes(second, first, "and more");
	CHECK(recv(first, buf, sizeof(buf), 0) == -1 && errno == EAGAIN);
	CHECK(t.counters.connections == 1);
	close(second);
	CHECK(wait_for(first) == 0);
	WAIT_FOR(t.counters.connections == 0);
	close(first);
}

static void
test_half_close(void)
{
	int client, target;

	open_target(5);
	open_relay();
	open_connection(&client, &target);
	check_half_close(client, target);
	CHECK(t.counters.bytes_in == 8 && t.counters.bytes_out == 14);
	open_connection(&client, &target);
	check_half_close(target, client);
	CHECK(t.counters.bytes_in == 22 && t.counters.bytes_out == 22);
	CHECK(t.counters.connections_total == 2);
	close_all();
}

static void
test_reset(void)
{
	int ends[2], i;

	open_target(5);
	open_relay();
	for (i = 0; i < 2; i++) { /* by the client, by the target */
		open_connection(&ends[0], &ends[1]);
		check_passes(ends[i], ends[!i], "x");
		close_with_reset(ends[i]);
		CHECK(wait_for_reset(ends[!i]));
		WAIT_FOR(t.counters.connections == 0);
		close(ends[!i]);
	}
	for (i = 0; i < 2; i++) { /* after its half-close, when nothing more is read from it */
		open_connection(&ends[0], &ends[1]);
		CHECK(shutdown(ends[i], SHUT_WR) == 0);
		CHECK(wait_for(ends[!i]) == 0);
		close_with_reset(ends[i]);
		/* a socket whose peer has ended says EPIPE at the next send, not ECONNRESET */
		WAIT_FOR(send(ends[!i], "x", 1, MSG_NOSIGNAL) < 0 && errno == EPIPE);
		WAIT_FOR(t.counters.connections == 0);
		close(ends[!i]);
	}
	close_all();
}

/* Who closes without having read all, as servers do after an error's answer,
 * resets the connection; what was said before arrives all the same. */
static void
test_last_word(void)
{
	int ends[2], i;

	open_target(5);
	open_relay();
	for (i = 0; i < 2; i++) {
		open_connection(&ends[0], &ends[1]);
		check_passes(ends[i], ends[!i], "ping");
		/* the relay hears first of what it cannot deliver any more */
		CHECK(send(ends[i], "unread", 6, 0) == 6);
		CHECK(send(ends[!i], "last word", 9, 0) == 9);
		close_with_reset(ends[!i]);
		CHECK(wait_for(ends[i]) == 9);
		CHECK(wait_for_reset(ends[i]));
		WAIT_FOR(t.counters.connections == 0);
		close(ends[i]);
	}
	CHECK(t.counters.bytes_in == 4 + 9 && t.counters.bytes_out == 4 + 9);
	close_all();
}

/* A last word and the end that one event tells of together. */
static void
test_word_and_end(void)
{
	int ends[2], i;

	open_target(5);
	open_relay();
	for (i = 0; i < 4; i++) {
		open_connection(&ends[0], &ends[1]);
		check_passes(ends[i % 2], ends[!(i % 2)], "ping");
		CHECK(send(ends[i % 2], "bye", 3, 0) == 3);
		if (i < 2)
			close(ends[i % 2]);
		else
			close_with_reset(ends[i % 2]);
		CHECK(wait_for(ends[!(i % 2)]) == 3);
		CHECK(i < 2 ? wait_for(ends[!(i % 2)]) == 0 : wait_for_reset(ends[!(i % 2)]));
		close(ends[!(i % 2)]);
		WAIT_FOR(t.counters.connections == 0);
	}
	close_all();
}

/* The target speaks and resets before the relay knows that it is connected. */
static void
test_word_at_once(void)
{
	int client, target = -1;
	double give_up = net_now() + PATIENCE;

	open_target(5);
	open_relay();
	client = connect_to(SOCK_STREAM, &t.public);
	WAIT_FOR(t.counters.connections == 1);
	while (target < 0 && net_now() < give_up)
		target = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	MUST(target >= 0 && send(target, "busy", 4, 0) == 4);
	close_with_reset(target);
	CHECK(wait_for(client) == 4);
	CHECK(wait_for_reset(client));
	CHECK(t.counters.connections == 0 && t.log_lines == 0);
	close(client);
	close_all();
}

static void
test_refused(void)
{
	char target_text[ADDR_TEXT_SIZE], from_text[ADDR_TEXT_SIZE], expected[LOG_TEXT_SIZE];
	struct addr from;
	int client;

	open_target(5);
	close(listener);
	open_relay();
	t.counters.on_failure = count_failure;
	client = connect_to(SOCK_STREAM, &t.public);
	from = addr_of_socket(client);
	CHECK(wait_for_reset(client));
	snprintf(expected, sizeof(expected), "the target %s refused the connection from %s",
	    addr_text(&t.mapping.target, target_text), addr_text(&from, from_text));
	CHECK_TEXT(t.last_line, expected);
	CHECK(t.log_lines == 1 && t.counters.connections == 0 && t.counters.connections_total == 1);
	CHECK(t.failures[CAUSE_TARGET_REFUSED] == 1);
	close(client);
	relay_tcp_close(relay);

	t.mapping.target = address("255.255.255.255"); /* connect(2) itself says no */
	open_relay();
	t.counters.on_failure = count_failure;
	client = connect_to(SOCK_STREAM, &t.public);
	CHECK(wait_for_reset(client));
	CHECK(strstr(t.last_line, "cannot be reached") != NULL && t.counters.connections == 0);
	CHECK(t.failures[CAUSE_TARGET_UNREACHABLE] == 1 && t.failures[CAUSE_TARGET_REFUSED] == 1);
	close(client);
	listener = -1;
	close_all();
}

/* While the target lets its clients wait, theirs are kept and so is what they
 * send.  Its full backlog drops a SYN, which is sent again after a second. */
static void
test_patience(void)
{
	int fillers[3], client, target, i;

	open_target(0);
	open_relay();
	for (i = 0; i < 3; i++)
		fillers[i] = connect_to(SOCK_STREAM, &t.mapping.target);
	client = connect_to(SOCK_STREAM, &t.public);
	CHECK(send(client, "early", 5, 0) == 5);
	WAIT_FOR(t.counters.connections == 1);
	for (i = 0; i < 20; i++)
		turn();
	CHECK(t.counters.bytes_in == 0);
	for (i = 0; i < 3; i++)
		close(fillers[i]);
	for (i = 0, target = -1; i < 4 && t.counters.bytes_in == 0; i++) {
		close(target); /* a filler's */
		target = wait_for_accept();
		turn();
	}
	WAIT_FOR(t.counters.bytes_in == 5);
	close(client);
	close(target);
	close_all();
}

static size_t
heap_in_use(void)
{
#ifdef __SANITIZE_ADDRESS__
	return __sanitizer_get_current_allocated_bytes();
#else
	struct mallinfo2 info = mallinfo2();

	return info.uordblks + info.hblkhd;
#endif
}

#define CLIENTS 500

static void
test_many(void)
{
	static int clients[CLIENTS], targets[CLIENTS];
	int i, own, right = 0, descriptors;
	size_t heap;

	if (raise_nofile() < 4 * CLIENTS + 50) {
		printf("skipped, the limit of open descriptors is too low for %d connections\n", CLIENTS);
		return;
	}
	open_target(CLIENTS);
	open_relay();
	heap = heap_in_use();
	descriptors = count_open();
	for (i = 0; i < CLIENTS; i++) {
		clients[i] = connect_to(SOCK_STREAM, &t.public);
		CHECK(send(clients[i], &i, sizeof(i), 0) == sizeof(i));
	}
	for (i = 0; i < CLIENTS; i++)
		targets[i] = wait_for_accept();
	CHECK(t.counters.connections == CLIENTS && t.counters.connections_total == CLIENTS);
	CHECK(heap_in_use() - heap <= CLIENTS * 300); /* a few hundred bytes each, ... */
	CHECK(count_open() == descriptors + 4 * CLIENTS); /* ... and two descriptors beside the test's two */
	for (i = 0; i < CLIENTS; i++) {
		CHECK(wait_for(targets[i]) == sizeof(own));
		CHECK(send(targets[i], buf, sizeof(own), 0) == sizeof(own));
	}
	for (i = 0; i < CLIENTS; i++) {
		own = -1;
		if (wait_for(clients[i]) == sizeof(own))
			memcpy(&own, buf, sizeof(own));
		right += own == i;
		close(clients[i]);
	}
	CHECK(right == CLIENTS);
	for (i = 0; i < CLIENTS; i++) {
		CHECK(wait_for(targets[i]) == 0);
		close(targets[i]);
	}
	WAIT_FOR(t.counters.connections == 0);
	CHECK(t.counters.bytes_in == CLIENTS * sizeof(own) && t.counters.bytes_out == CLIENTS * sizeof(own));
	close_all();
}

/* Sends until neither the kernel nor the relay takes more. */
static void
fill(struct flow *f)
{
	uint64_t before;
	int idle = 0;

	while (idle < 200 && f->sent < f->total) {
		before = f->sent;
		step_sender(f);
		turn();
		idle = f->sent == before ? idle + 1 : 0;
	}
}

/* Returns how many bytes have passed. */
static uint64_t
check_slow_reader(int from, int to)
{
	struct flow f = {.from = from, .to = to, .total = 512ull * MIB};
	int descriptors = count_open();
	size_t before = heap_in_use(), held;
	double give_up = net_now() + PATIENCE;

	fill(&f);
	held = heap_in_use() - before;
	CHECK(f.sent < f.total);
	CHECK(held <= 64 * 1024 + 1024); /* one buffer's rest; what a pipe holds is the kernel's */
	CHECK(held > 32 * 1024 || count_open() == descriptors + 2);
	f.total = f.sent + 1000;
	while (!f.ended && check_failures == 0 && net_now() < give_up) {
		step_sender(&f);
		while (step_receiver(&f)) /* all that there is: no later room wakes the relay */
			continue;
		turn();
	}
	CHECK(f.received == f.total);
	WAIT_FOR(count_open() == descriptors); /* the pipe was kept for a second */
	CHECK(heap_in_use() <= before + 512); /* the loop may have made room for a timer */
	return f.total;
}

static void
test_slow_reader(void)
{
	uint64_t in, out;
	int client, target;

	open_target(5);
	open_relay();
	open_connection(&client, &target);
	in = check_slow_reader(client, target);
	out = check_slow_reader(target, client);
	WAIT_FOR(t.counters.connections == 0);
	CHECK(t.counters.bytes_in == in && t.counters.bytes_out == out);
	close(client);
	close(target);
	close_all();
}

/* Several turns' bytes lie ready and there is room for them all, so that no
 * event comes any more: the relay goes on by itself.  How many bytes that are
 * is up to this machine's limit of socket buffers. */
static void
test_turns(void)
{
	int client, target, large = 4 * MIB, idle;
	struct flow f = {.total = 4 * MIB};
	uint64_t moved;

	open_target(5);
	open_relay();
	CHECK(setsockopt(listener, SOL_SOCKET, SO_RCVBUF, &large, sizeof(large)) == 0);
	CHECK(setsockopt(relay_fd, SOL_SOCKET, SO_RCVBUF, &large, sizeof(large)) == 0);
	open_connection(&client, &target);
	f.from = client;
	f.to = target;
	for (idle = 0; idle < 100 && f.sent < f.total; idle++) /* the loop stands still */
		step_sender(&f);
	WAIT_FOR(t.counters.bytes_in > 0);
	CHECK(t.counters.bytes_in < 2 * MIB); /* others have their turn now */
	moved = t.counters.bytes_in;
	turn();
	CHECK(t.counters.bytes_in - moved < 2 * MIB);
	WAIT_FOR(t.counters.bytes_in == f.sent);
	while (step_receiver(&f))
		continue;
	CHECK(f.received == f.sent);
	close(client);
	close(target);
	close_all();
}

/* Behind an urgent byte are others of which no event tells, and at which a splice does not get.
 * The urgent one itself does not pass. */
static void
test_urgent(void)
{
	struct flow f = {.total = 32 * MIB};
	double give_up = net_now() + PATIENCE;
	uint64_t next = 8 * MIB;
	int client, target;

	open_target(5);
	open_relay();
	open_connection(&client, &target);
	check_passes(client, target, "x");
	CHECK(send(client, "on", 2, 0) == 2 && send(client, "!", 1, MSG_OOB) == 1 && send(client, "ly", 2, 0) == 2);
	WAIT_FOR(t.counters.bytes_in == 5);
	CHECK(wait_for(target) == 4 && memcmp(buf, "only", 4) == 0);
	close(client);
	CHECK(wait_for(target) == 0);
	close(target);

	open_connection(&client, &target);
	f.from = client;
	f.to = target;
	while (!f.ended && check_failures == 0 && net_now() < give_up) {
		step_sender(&f);
		if (f.sent >= next && f.sent < f.total && send(client, "!", 1, MSG_OOB) == 1)
			next += 8 * MIB;
		turn();
		step_receiver(&f);
	}
	CHECK(next > 16 * MIB && f.received == f.total);
	close(client);
	close(target);
	close_all();
}

/* Turns the loop until all that the flow has is received. */
static void
complete(struct flow *f)
{
	double give_up = net_now() + PATIENCE;

	while (!f->ended && f->received < f->total && check_failures == 0 && net_now() < give_up) {
		step_sender(f);
		turn();
		step_receiver(f);
	}
	CHECK(f->received == f->total);
}

static void
on_other_end(void *context)
{
	const int *from = context;

	if (t.counters.connections != 1)
		return;
	CHECK(send(*from, "!", 1, MSG_OOB) == 1 && send(*from, "tail", 4, 0) == 4);
	CHECK(shutdown(*from, SHUT_WR) == 0);
}

/* An urgent byte, others and the end arrive after an event and before the splice that follows it. */
static void
test_urgent_end(void)
{
	int client, target, other[2];
	struct flow f = {.total = 16 * MIB, .goes_on = true};

	open_target(5);
	open_relay();
	open_connection(&other[0], &other[1]);
	open_connection(&client, &target);
	f.from = client;
	f.to = target;
	complete(&f);
	t.counters.context = &client;
	t.counters.on_connections = on_other_end;
	/* events in this order, of one turn: the second one's read ends the other connection */
	close(other[0]);
	close(other[1]);
	CHECK(send(client, "head", 4, 0) == 4);
	WAIT_FOR(t.counters.bytes_in == f.total + 8);
	CHECK(wait_for(target) == 8 && memcmp(buf, "headtail", 8) == 0);
	CHECK(wait_for(target) == 0);
	close(client);
	close(target);
	close_all();
}

/* Who sends and then resets is not waited for, even if its reader sleeps. */
static void
test_reset_while_slow(void)
{
	int ends[2], i;

	open_target(5);
	open_relay();
	for (i = 0; i < 2; i++) {
		struct flow f = {.total = 512ull * MIB};

		open_connection(&ends[0], &ends[1]);
		f.from = ends[i];
		fill(&f);
		close_with_reset(ends[i]);
		WAIT_FOR(t.counters.connections == 0);
		close(ends[!i]);
	}
	close_all();
}

static void
check_options(int fd)
{
	int value = 0;
	socklen_t length = sizeof(value);

	CHECK(getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &value, &length) == 0 && value != 0);
	value = 0;
	CHECK(getsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &value, &length) == 0 && value != 0);
	CHECK((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
	CHECK((fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
}

static void
test_options(void)
{
	struct addr client_address, target_address;
	int client, target;

	open_target(5);
	open_relay();
	open_connection(&client, &target);
	client_address = addr_of_socket(client);
	target_address = addr_of_socket(target);
	check_options(find_socket(addr_of_peer, &client_address));
	check_options(find_socket(addr_of_peer, &target_address));
	close(client);
	close(target);
	close_all();
}

static void
check_keepalive(uint32_t seconds, int on, int idle, int interval)
{
	struct addr peers[2];
	int ends[2], i, fd;

	t.mapping.tcp_keepalive = seconds;
	open_target(5);
	open_relay();
	open_connection(&ends[0], &ends[1]);
	for (i = 0; i < 2; i++) {
		peers[i] = addr_of_socket(ends[i]);
		fd = find_socket(addr_of_peer, &peers[i]);
		CHECK(option(fd, SOL_SOCKET, SO_KEEPALIVE) == on);
		CHECK(option(fd, IPPROTO_TCP, TCP_KEEPIDLE) == idle && option(fd, IPPROTO_TCP, TCP_KEEPINTVL) == interval);
		close(ends[i]);
	}
	t.mapping.tcp_keepalive = 0;
	close_all();
}

static void
test_keepalive(void)
{
	int fresh = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int idle = option(fresh, IPPROTO_TCP, TCP_KEEPIDLE), interval = option(fresh, IPPROTO_TCP, TCP_KEEPINTVL);
	int few = 2;

	check_keepalive(0, 1, idle, interval);
	check_keepalive(TCP_KEEPALIVE_OFF, 0, idle, interval);
	check_keepalive(60, 1, 60, 10);
	check_keepalive(1, 1, 1, 1);

	MUST(setsockopt(fresh, IPPROTO_TCP, TCP_KEEPCNT, &few, sizeof(few)) == 0); /* as if the system had it so */
	target_set_options(fresh, &t.mapping);
	CHECK(option(fresh, IPPROTO_TCP, TCP_KEEPCNT) == few);
	t.mapping.tcp_keepalive = 60;
	target_set_options(fresh, &t.mapping);
	CHECK(option(fresh, IPPROTO_TCP, TCP_KEEPCNT) == 9);
	t.mapping.tcp_keepalive = 0;
	close(fresh);
}

/* Only who is silent for so long is ended, with a reset; by default nobody is. */
static void
test_idle(void)
{
	int talks[2], silent[2];
	double start;

	t.mapping.tcp_timeout = 1;
	open_target(5);
	open_relay();
	start = net_now();
	open_connection(&silent[0], &silent[1]);
	open_connection(&talks[0], &talks[1]);
	while (t.counters.connections == 2 && net_now() < start + PATIENCE)
		check_passes(talks[0], talks[1], "still here");
	CHECK(net_now() - start >= 1);
	CHECK(wait_for_reset(silent[0]) && wait_for_reset(silent[1]));
	check_passes(talks[1], talks[0], "and here");
	CHECK(t.counters.connections == 1);
	close(talks[0]);
	close(talks[1]);
	close(silent[0]);
	close(silent[1]);
	t.mapping.tcp_timeout = 0;
	close_all();
}

/* All that there is has been sent to the reader, whose system takes it little by little: no event tells
 * of that.  Who takes nothing at all is idle. */
static void
test_idle_reader(void)
{
	struct flow f = {.total = 60 * 1024};
	int small = 4096, client, target;
	double start, next;

	t.mapping.tcp_timeout = 1;
	open_target(5);
	open_relay();
	open_connection(&client, &target);
	MUST(setsockopt(client, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small)) == 0);
	f.from = target;
	f.to = client;
	step_sender(&f);
	WAIT_FOR(t.counters.bytes_out == f.total);
	start = next = net_now();
	while (!f.ended && check_failures == 0 && net_now() < start + PATIENCE) {
		turn();
		if (net_now() < next)
			continue;
		next += 0.1;
		receive_some(&f, 2048);
	}
	CHECK(f.received == f.total);
	close(client);
	close(target);
	open_connection(&client, &target);
	f = (struct flow){.total = 512ull * MIB, .from = target, .to = client};
	fill(&f);
	WAIT_FOR(t.counters.connections == 0);
	close(client);
	close(target);
	t.mapping.tcp_timeout = 0;
	close_all();
}

/* New clients wait, with one line in the log, until there is room again. */
static void
test_no_descriptors(void)
{
	double until;
	int client, target, turns = 0;

	if (check_in_valgrind())
		return; /* it has a connection accepted and closes it, if there is no descriptor */
	open_target(5);
	open_relay();
	client = connect_to(SOCK_STREAM, &t.public);
	leave_descriptors(0);
	for (until = net_now() + 0.35; net_now() < until; turns++)
		event_base_loop(t.base, EVLOOP_ONCE);
	CHECK(turns < 20); /* it tries ten times a second and does not spin */
	CHECK(t.counters.connections_total == 0);
	CHECK(t.log_lines == 1 && strstr(t.last_line, "Too many open files") != NULL);
	raise_nofile();
	target = wait_for_accept();
	check_passes(client, target, "at last");
	CHECK(t.log_lines == 1 && t.counters.connections == 1);
	close(client);
	close(target);
	close_all();
}

/* Room for the client but none for the way to the target, who is not to blame. */
static void
test_one_descriptor(void)
{
	int client;

	open_target(5);
	open_relay();
	client = connect_to(SOCK_STREAM, &t.public);
	leave_descriptors(1);
	CHECK(wait_for_reset(client));
	CHECK(t.log_lines == 1 && strstr(t.last_line, "no room") != NULL);
	CHECK(t.counters.connections == 0);
	raise_nofile();
	close(client);
	close_all();
}

static int until_no_watch; /* this one of the descriptors to be watched is one too many; 0: none is */

/* In the place of libc's. */
int
epoll_ctl(int epfd, int op, int fd, struct epoll_event *event)
{
	if (op == EPOLL_CTL_ADD && until_no_watch > 0 && --until_no_watch == 0) {
		errno = ENOSPC;
		return -1;
	}
	return (int)syscall(SYS_epoll_ctl, epfd, op, fd, event);
}

/* The kernel lets a user watch only so many descriptors (epoll(7)), of which the target knows nothing. */
static void
test_no_watch(void)
{
	int client, before, i;

	open_target(5);
	open_relay();
	before = count_open();
	for (i = 1; i <= 2; i++) { /* the target's, the client's */
		t.log_lines = 0;
		until_no_watch = i;
		client = connect_to(SOCK_STREAM, &t.public);
		CHECK(wait_for_reset(client));
		CHECK(t.counters.connections == 0 && until_no_watch == 0);
		CHECK(i > 1 || (t.log_lines == 1 && strstr(t.last_line, "no room") != NULL));
		close(client);
		CHECK(count_open() == before);
	}
	CHECK(strstr(t.last_line, "cannot be reached") == NULL);
	close_all();
}

/* In every state a connection can be in. */
static void
test_close(void)
{
	struct flow f = {.total = 512ull * MIB};
	int clients[4], targets[3], i, before = count_open();

	open_target(3);
	open_relay();
	for (i = 0; i < 3; i++)
		open_connection(&clients[i], &targets[i]);
	f.from = clients[0];
	fill(&f);
	CHECK(shutdown(clients[1], SHUT_WR) == 0);
	CHECK(wait_for(targets[1]) == 0);
	close(listener);
	MUST((listener = bind_to(SOCK_STREAM, "127.0.0.1", 0, &t.mapping.target)) >= 0);
	clients[3] = connect_to(SOCK_STREAM, &t.public);
	WAIT_FOR(t.counters.connections_total == 4);
	close_all();
	CHECK(wait_for_reset(clients[0]) && wait_for_reset(clients[2]) && wait_for_reset(targets[2]));
	for (i = 0; i < 4; i++)
		close(clients[i]);
	for (i = 0; i < 3; i++)
		close(targets[i]);
	CHECK(count_open() == before);
}

static void
test_cannot_listen(void)
{
	struct addr bound;
	int other = bind_to(SOCK_STREAM, "127.0.0.1", 0, &bound), fd, before;

	MUST(other >= 0);
	before = count_open();
	fd = bind_to(SOCK_STREAM, "127.0.0.1", addr_port(&bound), &bound);
	MUST(fd >= 0 && listen(other, 1) == 0); /* allowed: both have SO_REUSEADDR and did not listen */
	errno = 0;
	CHECK(relay_tcp_open(t.base, &t.mapping, fd, &t.counters) == NULL && errno == EADDRINUSE);
	CHECK(count_open() == before);
	close(other);
}

int
main(void)
{
	int before = count_open();

	make_pattern();
	loop_start();
	test_transfer();
	test_half_close();
	test_reset();
	test_last_word();
	test_word_and_end();
	test_word_at_once();
	test_refused();
	test_patience();
	test_many();
	test_slow_reader();
	test_turns();
	test_urgent();
	test_urgent_end();
	test_reset_while_slow();
	test_options();
	test_keepalive();
	test_idle();
	test_idle_reader();
	test_no_descriptors();
	test_one_descriptor();
	test_no_watch();
	test_close();
	test_cannot_listen();
	loop_end();
	CHECK(count_open() == before);
	return check_done();
}
