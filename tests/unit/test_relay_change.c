/* SPDX-License-Identifier: ISC */
/*
 * Other settings for a TCP relay with connections: the new target is for new ones, limits and
 * options apply to all, and the port can be left to another program.
 * NEEDS: worker/relay worker/relay_tcp worker/connections worker/connections_change worker/connections_idle worker/connections_dial worker/admission worker/clients worker/uplink worker/expiry worker/target worker/pipes worker/poller worker/pump worker/buffer worker/testpage worker/net
 */
#include "loop.h"

#include <netinet/in.h>
#include <netinet/tcp.h>

#include "fence.h"
#include "uplink.h"

static bool is_fenced; /* the first target's port is the only one that this process may connect to */
static int ends_of_uplink[2]; /* the worker's and the supervisor's */
static struct relay_tcp *relay;
static int targets[2]; /* listening */
static struct addr target_addresses[2];

static void
open_target(int i)
{
	MUST((targets[i] = bind_to(SOCK_STREAM, "127.0.0.1", 0, &target_addresses[i])) >= 0);
	MUST(listen(targets[i], 5) == 0);
}

static void
open_all(void)
{
	int fd;

	memset(&t.counters, 0, sizeof(t.counters));
	t.log_lines = 0;
	open_target(0);
	open_target(1);
	t.mapping.target = target_addresses[0];
	MUST((fd = bind_to(SOCK_STREAM, "127.0.0.1", 0, &t.public)) >= 0);
	MUST((relay = relay_tcp_open(t.base, &t.mapping, fd, &t.counters)) != NULL);
}

static void
close_all(void)
{
	relay_tcp_close(relay);
	CHECK(t.counters.connections == 0);
	close(targets[0]);
	close(targets[1]);
	t.mapping.tcp_timeout = t.mapping.tcp_keepalive = 0;
}

bool
fence_lets_through(const struct addr *to)
{
	return !is_fenced || addr_port(to) == addr_port(&target_addresses[0]);
}

static int
accept_at(int i)
{
	return accept4(targets[i], NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

static int
wait_for_accept(int i)
{
	int fd = -1;

	WAIT_FOR(fd >= 0 || (fd = accept_at(i)) >= 0);
	return fd;
}

static void
check_connected(int client, int target)
{
	CHECK(passes(client, target) && passes(target, client));
}

static bool
is_reset(int fd)
{
	char c;

	return recv(fd, &c, 1, 0) < 0 && errno == ECONNRESET;
}

static void
test_target(void)
{
	int clients[2], ends[2];

	open_all();
	clients[0] = connect_to(SOCK_STREAM, &t.public);
	ends[0] = wait_for_accept(0);
	check_connected(clients[0], ends[0]);
	t.mapping.target = target_addresses[1];
	relay_tcp_change(relay);
	clients[1] = connect_to(SOCK_STREAM, &t.public);
	ends[1] = wait_for_accept(1);
	check_connected(clients[0], ends[0]);
	check_connected(clients[1], ends[1]);
	CHECK(accept_at(0) < 0 && t.counters.connections == 2 && t.log_lines == 0);
	close_all();
	CHECK(is_reset(clients[0]) && is_reset(clients[1]));
	close(clients[0]);
	close(clients[1]);
	close(ends[0]);
	close(ends[1]);
}

/* A target whose backlog is full lets a client wait; the new one has it at once. */
static void
test_dial_again(void)
{
	int fillers[2], client, end, i;
	char early[6];
	ssize_t n = 0;

	open_all();
	MUST(listen(targets[0], 0) == 0);
	for (i = 0; i < 2; i++)
		fillers[i] = connect_to(SOCK_STREAM, &target_addresses[0]);
	client = connect_to(SOCK_STREAM, &t.public);
	WAIT_FOR(t.counters.connections == 1);
	CHECK(send(client, "early", 5, 0) == 5);
	t.mapping.target = target_addresses[1];
	relay_tcp_change(relay);
	end = wait_for_accept(1);
	WAIT_FOR(n == 5 || (n = recv(end, early, sizeof(early), 0)) == 5);
	check_connected(end, client);
	CHECK(t.counters.connections == 1 && t.counters.connections_total == 1);
	/* Nor is anybody there who could be blamed for the old one. */
	t.mapping.target = address("255.255.255.255");
	relay_tcp_change(relay);
	check_connected(end, client);
	CHECK(t.log_lines == 0);
	close(end);
	close(client);
	for (i = 0; i < 2; i++)
		close(fillers[i]);
	close_all();
}

static void
receive_wish(const struct addr *target)
{
	struct message m;
	int n = -1;

	WAIT_FOR(n == 1 || (n = message_receive(ends_of_uplink[1], &m)) == 1);
	CHECK(m.kind == MESSAGE_SOCKET && m.length == sizeof(m.socket_request) && m.socket_request.use == SOCKET_TARGET);
	CHECK(addr_equal(&m.socket_request.to, target));
}

static void
answer_wish(int fd, uint32_t error, uint32_t connect_error)
{
	struct socket_answer answer = {.error = error, .connect_error = connect_error};

	MUST(message_send(ends_of_uplink[1], MESSAGE_SOCKET, &answer, sizeof(answer), fd) == 0);
	if (fd >= 0)
		close(fd);
}

static void
begin_fenced(void)
{
	open_all();
	MUST(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends_of_uplink) == 0);
	t.counters.uplink = uplink_new(t.base, ends_of_uplink[0]);
	is_fenced = true;
}

static void
end_fenced(void)
{
	is_fenced = false;
	close_all();
	uplink_free(t.counters.uplink);
	close(ends_of_uplink[0]);
	close(ends_of_uplink[1]);
}

/* The supervisor gives the connections to a target with another port; what is said meanwhile is not lost. */
static void
test_target_elsewhere(void)
{
	int clients[2], ends[2];
	char early[6];
	ssize_t n = 0;

	begin_fenced();
	clients[0] = connect_to(SOCK_STREAM, &t.public);
	ends[0] = wait_for_accept(0);
	check_connected(clients[0], ends[0]);
	t.mapping.target = target_addresses[1];
	relay_tcp_change(relay);
	clients[1] = connect_to(SOCK_STREAM, &t.public);
	receive_wish(&target_addresses[1]);
	CHECK(send(clients[1], "early", 5, 0) == 5);
	turn();
	answer_wish(connect_to(SOCK_STREAM, &target_addresses[1]), 0, 0);
	ends[1] = wait_for_accept(1);
	WAIT_FOR(n == 5 || (n = recv(ends[1], early, sizeof(early), 0)) == 5);
	check_connected(clients[1], ends[1]);
	check_connected(clients[0], ends[0]);
	CHECK(t.log_lines == 0);
	close(clients[0]);
	close(clients[1]);
	close(ends[0]);
	close(ends[1]);
	end_fenced();
}

/* natterd closes its own descriptor of what it gives away a moment later, and so does a child that it starts just then. */
static void
test_target_elsewhere_held(void)
{
	int fd, copy, client, other, end;

	begin_fenced();
	t.mapping.target = target_addresses[1];
	relay_tcp_change(relay);
	client = connect_to(SOCK_STREAM, &t.public);
	receive_wish(&target_addresses[1]);
	fd = connect_to(SOCK_STREAM, &target_addresses[1]);
	copy = dup(fd);
	answer_wish(fd, 0, 0);
	end = wait_for_accept(1);
	check_connected(client, end);
	other = connect_to(SOCK_STREAM, &t.public);
	receive_wish(&target_addresses[1]);
	net_set_reset_on_close(client);
	close(client);
	WAIT_FOR(t.counters.connections == 1);
	CHECK(send(end, "x", 1, 0) == 1); /* it would be an event of the connection that is gone */
	WAIT_FOR(recv(copy, &fd, 1, MSG_PEEK) == 1);
	turn();
	turn();
	CHECK(t.counters.connections == 1);
	close(copy);
	close(end);
	close(other);
	answer_wish(-1, EMFILE, 0);
	WAIT_FOR(t.counters.connections == 0);
	end_fenced();
}

static void
check_refused(int fd, uint32_t error, uint32_t connect_error, enum cause cause)
{
	unsigned int before = t.failures[cause];
	int client = connect_to(SOCK_STREAM, &t.public);

	receive_wish(&target_addresses[1]);
	answer_wish(fd, error, connect_error);
	WAIT_FOR(t.counters.connections == 0);
	CHECK(is_reset(client) && t.failures[cause] == before + 1);
	close(client);
}

/* No socket; one that cannot begin to connect; a client who does not wait; a third target meanwhile. */
static void
test_target_elsewhere_failing(void)
{
	struct addr bound;
	int client, end, before;

	begin_fenced();
	t.counters.on_failure = count_failure;
	t.mapping.target = target_addresses[1];
	relay_tcp_change(relay);
	before = count_open();
	check_refused(-1, EMFILE, 0, CAUSE_NO_ROOM);
	check_refused(bind_to(SOCK_STREAM, "127.0.0.1", 0, &bound), 0, ENETUNREACH, CAUSE_TARGET_UNREACHABLE);
	client = connect_to(SOCK_STREAM, &t.public);
	receive_wish(&target_addresses[1]);
	t.mapping.target = target_addresses[0];
	relay_tcp_change(relay);
	end = wait_for_accept(0);
	answer_wish(connect_to(SOCK_STREAM, &target_addresses[1]), 0, 0);
	check_connected(client, end);
	close(client);
	close(end);
	WAIT_FOR(t.counters.connections == 0);
	CHECK(count_open() == before);
	end_fenced();
}

/* natterd is not asked without end: who comes after a thousand in a second has to wait. */
static void
test_pace(void)
{
	struct addr target;
	double began, needed;
	int i, client;

	begin_fenced();
	raise_nofile();
	t.mapping.target = target = target_addresses[1];
	relay_tcp_change(relay);
	began = net_now();
	for (i = 0; i < 1000; i++) {
		client = connect_to(SOCK_STREAM, &t.public);
		receive_wish(&target);
		close(client);
	}
	needed = net_now() - began;
	client = connect_to(SOCK_STREAM, &t.public);
	WAIT_FOR(t.log_lines > 0 || net_now() - began >= 1);
	if (needed < 0.8)
		CHECK(is_reset(client) && t.counters.connections == 1000);
	else
		printf("this machine is too slow to ask a thousand times in a second\n");
	close(client);
	end_fenced();
}

static void
set_timeout(uint32_t seconds)
{
	t.mapping.tcp_timeout = seconds;
	relay_tcp_change(relay);
}

/* A limit that comes, becomes shorter, and goes. */
static void
test_timeout(void)
{
	int client, end;
	double begin;

	open_all();
	client = connect_to(SOCK_STREAM, &t.public);
	end = wait_for_accept(0);
	check_connected(client, end);
	set_timeout(1000);
	set_timeout(0);
	set_timeout(500);
	begin = net_now();
	set_timeout(1);
	set_timeout(0);
	while (net_now() < begin + 1.2)
		turn();
	CHECK(t.counters.connections == 1);
	check_connected(client, end);
	set_timeout(1);
	WAIT_FOR(t.counters.connections == 0);
	CHECK(is_reset(client) && is_reset(end));
	close(client);
	close(end);
	close_all();
}

static void
check_keepalive(const int fds[], uint32_t seconds, int on, int idle)
{
	int i;

	t.mapping.tcp_keepalive = seconds;
	relay_tcp_change(relay);
	for (i = 0; i < 2; i++) {
		CHECK(option(fds[i], SOL_SOCKET, SO_KEEPALIVE) == on);
		CHECK(option(fds[i], IPPROTO_TCP, TCP_KEEPIDLE) == idle);
	}
}

static void
test_keepalive(void)
{
	int fresh = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), usual = option(fresh, IPPROTO_TCP, TCP_KEEPIDLE);
	int clients[2], ends[2], fds[2];
	struct addr peer;

	open_all();
	clients[0] = connect_to(SOCK_STREAM, &t.public);
	ends[0] = wait_for_accept(0);
	peer = addr_of_socket(clients[0]);
	fds[0] = find_socket(addr_of_peer, &peer);
	peer = addr_of_socket(ends[0]);
	fds[1] = find_socket(addr_of_peer, &peer);
	check_keepalive(fds, 60, 1, 60);
	check_keepalive(fds, 30, 1, 30);
	clients[1] = connect_to(SOCK_STREAM, &t.public);
	ends[1] = wait_for_accept(0);
	peer = addr_of_socket(clients[1]);
	CHECK(option(find_socket(addr_of_peer, &peer), IPPROTO_TCP, TCP_KEEPIDLE) == 30);
	check_keepalive(fds, 0, 1, usual);
	check_keepalive(fds, TCP_KEEPALIVE_OFF, 0, usual);
	close(fresh);
	close(clients[0]);
	close(clients[1]);
	close(ends[0]);
	close(ends[1]);
	close_all();
}

static void
test_port(void)
{
	struct addr bound;
	int clients[2], ends[2], other;

	open_all();
	clients[0] = connect_to(SOCK_STREAM, &t.public);
	ends[0] = wait_for_accept(0);
	check_connected(clients[0], ends[0]);
	CHECK(relay_tcp_has_port(relay));
	relay_tcp_leave_port(relay);
	CHECK(!relay_tcp_has_port(relay));
	MUST((other = bind_to(SOCK_STREAM, "127.0.0.1", addr_port(&t.public), &bound)) >= 0 && listen(other, 1) == 0);
	check_connected(clients[0], ends[0]);
	close(other);
	MUST((other = bind_to(SOCK_STREAM, "127.0.0.1", addr_port(&t.public), &bound)) >= 0);
	CHECK(relay_tcp_take_port(relay, other) == 0);
	clients[1] = connect_to(SOCK_STREAM, &t.public);
	ends[1] = wait_for_accept(0);
	check_connected(clients[1], ends[1]);
	check_connected(clients[0], ends[0]);
	close(clients[0]);
	close(clients[1]);
	close(ends[0]);
	close(ends[1]);
	close_all();
}

int
main(void)
{
	int before = count_open();

	loop_start();
	test_target();
	test_dial_again();
	test_target_elsewhere();
	test_target_elsewhere_held();
	test_target_elsewhere_failing();
	test_pace();
	test_timeout();
	test_keepalive();
	test_port();
	loop_end();
	CHECK(count_open() == before);
	return check_done();
}
