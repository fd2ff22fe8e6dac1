/* SPDX-License-Identifier: ISC */
/*
 * Who gets to the target: limits and networks of a TCP and of a UDP relay, what is counted and said of those who
 * do not, and that those who are there go on.
 * NEEDS: worker/relay worker/relay_tcp worker/connections worker/connections_change worker/connections_idle worker/connections_dial worker/fence worker/uplink worker/admission worker/clients worker/expiry worker/target worker/pipes worker/poller worker/pump worker/buffer worker/testpage worker/net
 * NEEDS: worker/relay_udp worker/udp_sessions worker/chains worker/sendqueue worker/datagram
 */
#include "udp_loop.h"

static struct relay_tcp *tcp;
static struct sockaddr_storage asker; /* whom the target heard last: a session's socket */

static void
open_tcp(void)
{
	int fd;

	memset(&t.counters, 0, sizeof(t.counters));
	t.counters.on_failure = count_failure;
	t.log_lines = 0;
	t.mapping.protocol = PROTOCOL_TCP;
	MUST((target = bind_to(SOCK_STREAM, "127.0.0.1", 0, &t.mapping.target)) >= 0 && listen(target, 100) == 0);
	MUST((fd = bind_to(SOCK_STREAM, "127.0.0.1", 0, &t.public)) >= 0);
	MUST((tcp = relay_tcp_open(t.base, &t.mapping, fd, &t.counters)) != NULL);
}

static void
open_udp(void)
{
	t.mapping.protocol = PROTOCOL_UDP;
	open_target("127.0.0.1", 0);
	open_relay("127.0.0.1");
}

static void
reset_limits(void)
{
	t.mapping.connect_timeout = CONNECT_TIMEOUT_DEFAULT;
	t.mapping.max_connections = CONNECTIONS_DEFAULT;
	t.mapping.max_udp_sessions = UDP_SESSIONS_DEFAULT;
	t.mapping.max_per_client = 0;
	memset(&t.mapping.allow, 0, sizeof(t.mapping.allow));
	memset(&t.mapping.deny, 0, sizeof(t.mapping.deny));
}

static void
close_tcp(void)
{
	relay_tcp_close(tcp);
	CHECK(t.counters.connections == 0);
	close(target);
	reset_limits();
}

static void
close_udp(void)
{
	close_all();
	reset_limits();
}

static void
add_network(struct networks *all, const char *text)
{
	MUST(network_parse(text, &all->list[all->count++]) == 0);
}

static uint64_t
refused(enum refusal r)
{
	return t.counters.refused[r];
}

/* Connected from that address of this machine. */
static int
client_at(int type, const char *ip)
{
	struct addr bound;
	int fd = bind_to(type, ip, 0, &bound);

	MUST(fd >= 0);
	MUST(connect(fd, &t.public.sa, addr_len(&t.public)) == 0 || errno == EINPROGRESS);
	return fd;
}

static int
accept_one(void)
{
	int fd = -1;

	WAIT_FOR(fd >= 0 || (fd = accept4(target, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0);
	return fd;
}

static bool
is_reset(int fd)
{
	double give_up = net_now() + PATIENCE;
	ssize_t n;
	char c;

	while ((n = recv(fd, &c, 1, 0)) < 0 && errno == EAGAIN && net_now() < give_up)
		turn();
	return n < 0 && errno == ECONNRESET;
}

/* A connection through the relay. */
struct pair {
	int client;
	int end;
};

static struct pair
get_in(const char *ip)
{
	struct pair p = {.client = client_at(SOCK_STREAM, ip)};

	p.end = accept_one();
	CHECK(passes(p.client, p.end) && passes(p.end, p.client));
	return p;
}

static void
go(struct pair p)
{
	uint64_t before = t.counters.connections;

	close(p.client);
	close(p.end);
	WAIT_FOR(t.counters.connections == before - 1);
}

static void
check_kept_out(const char *ip, enum refusal why)
{
	uint64_t before = refused(why), there = t.counters.connections;
	int fd = client_at(SOCK_STREAM, ip);

	CHECK(is_reset(fd));
	CHECK(refused(why) == before + 1 && t.counters.connections == there);
	CHECK(accept4(target, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK) < 0);
	close(fd);
}

static void
test_most_connections(void)
{
	struct pair a, b;

	t.mapping.max_connections = 2;
	open_tcp();
	a = get_in("127.0.0.2");
	b = get_in("127.0.0.3");
	check_kept_out("127.0.0.4", REFUSAL_LIMIT);
	CHECK(t.log_lines == 1 && strstr(t.last_line, "there are 2 connections already (max_connections)") != NULL);
	check_kept_out("127.0.0.2", REFUSAL_LIMIT);
	CHECK(t.log_lines == 1);
	CHECK(passes(a.client, a.end) && passes(b.end, b.client));
	go(a);
	a = get_in("127.0.0.4");
	CHECK(t.counters.connections_total == 3 && refused(REFUSAL_LIMIT) == 2);
	go(a);
	go(b);
	close_tcp();
}

/* One who takes all it can get leaves the others room, also one that never sends anything. */
static void
test_per_client(void)
{
	struct pair pairs[4], other;
	int i;

	t.mapping.max_per_client = 4;
	open_tcp();
	for (i = 0; i < 4; i++)
		pairs[i] = get_in("127.0.0.2");
	for (i = 0; i < 100; i++)
		check_kept_out("127.0.0.2", REFUSAL_CLIENT_LIMIT);
	other = get_in("127.0.0.3");
	CHECK(t.log_lines == 1 && strstr(t.last_line, "it has 4 connections already (max_connections_per_client)") != NULL);
	go(pairs[0]);
	pairs[0] = get_in("127.0.0.2");
	check_kept_out("127.0.0.2", REFUSAL_CLIENT_LIMIT);
	for (i = 0; i < 4; i++)
		go(pairs[i]);
	go(other);
	close_tcp();
}

/* Who is there stays, and counts, whenever the limit came. */
static void
test_change_limits(void)
{
	struct pair pairs[3];
	int i;

	open_tcp();
	for (i = 0; i < 3; i++)
		pairs[i] = get_in("127.0.0.2");
	t.mapping.max_per_client = 2;
	relay_tcp_change(tcp);
	check_kept_out("127.0.0.2", REFUSAL_CLIENT_LIMIT);
	go(pairs[0]);
	check_kept_out("127.0.0.2", REFUSAL_CLIENT_LIMIT);
	CHECK(passes(pairs[1].client, pairs[1].end));
	go(pairs[1]);
	pairs[0] = get_in("127.0.0.2");
	t.mapping.max_per_client = 0;
	t.mapping.max_connections = 1;
	relay_tcp_change(tcp);
	check_kept_out("127.0.0.2", REFUSAL_LIMIT);
	CHECK(passes(pairs[0].client, pairs[0].end) && passes(pairs[2].client, pairs[2].end));
	t.mapping.max_connections = 4;
	t.mapping.max_per_client = 3;
	relay_tcp_change(tcp);
	relay_tcp_change(tcp); /* nobody is counted twice */
	pairs[1] = get_in("127.0.0.2");
	check_kept_out("127.0.0.2", REFUSAL_CLIENT_LIMIT);
	for (i = 0; i < 3; i++)
		go(pairs[i]);
	close_tcp();
}

static void
test_networks(void)
{
	struct pair a, b;

	add_network(&t.mapping.allow, "127.0.0.0/29");
	add_network(&t.mapping.deny, "127.0.0.4/31");
	open_tcp();
	a = get_in("127.0.0.2");
	b = get_in("127.0.0.3");
	check_kept_out("127.0.0.4", REFUSAL_DENIED);
	CHECK(t.log_lines == 1 && strstr(t.last_line, "is refused, as allow and deny say") != NULL);
	check_kept_out("127.0.0.5", REFUSAL_DENIED);
	check_kept_out("127.0.0.8", REFUSAL_DENIED);
	CHECK(t.log_lines == 1);
	/* Who is not welcome any more goes. */
	t.mapping.deny.count = 0;
	add_network(&t.mapping.deny, "127.0.0.2");
	relay_tcp_change(tcp);
	CHECK(is_reset(a.client) && is_reset(a.end));
	CHECK(refused(REFUSAL_DENIED) == 4 && t.counters.connections == 1);
	CHECK(passes(b.client, b.end) && passes(b.end, b.client));
	close(a.client);
	close(a.end);
	a = get_in("127.0.0.4");
	go(a);
	go(b);
	close_tcp();
}

/* A target that takes nobody costs a client this time and no more. */
static void
test_connect_timeout(void)
{
	int fillers[2], client, i;
	double begin;

	t.mapping.connect_timeout = 60;
	open_tcp();
	MUST(listen(target, 0) == 0);
	for (i = 0; i < 2; i++)
		fillers[i] = connect_to(SOCK_STREAM, &t.mapping.target);
	client = client_at(SOCK_STREAM, "127.0.0.2");
	WAIT_FOR(t.counters.connections == 1);
	t.mapping.connect_timeout = 1;
	begin = net_now();
	relay_tcp_change(tcp);
	CHECK(is_reset(client) && net_now() - begin < 5);
	CHECK(t.log_lines == 1 && strstr(t.last_line, "within 1 s") != NULL);
	CHECK(t.counters.connections == 0);
	close(client);
	for (i = 0; i < 2; i++)
		close(fillers[i]);
	close_tcp();
}

/* The target hears the client's datagram. */
static bool
is_heard(int client)
{
	socklen_t length = sizeof(asker);
	double give_up = net_now() + PATIENCE;

	CHECK(send(client, "hello", 5, 0) == 5);
	while (recvfrom(target, buf, sizeof(buf), 0, (struct sockaddr *)&asker, &length) < 0)
		if (net_now() > give_up)
			return false;
		else
			turn();
	return true;
}

static void
answer(int client)
{
	CHECK(sendto(target, "yes", 3, 0, (struct sockaddr *)&asker, sizeof(struct sockaddr_in)) == 3);
	CHECK(wait_for(client) == 3);
}

/* A session of a client that has sent again after an answer. */
static int
prove(const char *ip)
{
	int client = client_at(SOCK_DGRAM, ip);

	CHECK(is_heard(client));
	answer(client);
	CHECK(is_heard(client));
	return client;
}

static void
check_dropped(int client, enum refusal why)
{
	uint64_t before = refused(why), there = t.counters.connections_total;

	CHECK(send(client, "hello", 5, 0) == 5);
	WAIT_FOR(refused(why) == before + 1);
	CHECK(t.counters.connections_total == there && receive(target) == NOTHING);
}

/* Forged addresses never answer: whoever did keeps its session. */
static void
test_most_sessions(void)
{
	struct addr forged = address("192.0.2.1");
	int a, b, answered, i;

	t.mapping.max_udp_sessions = 3;
	open_udp();
	a = prove("127.0.0.2");
	answered = client_at(SOCK_DGRAM, "127.0.0.2");
	CHECK(is_heard(answered));
	answer(answered);
	for (i = 1; i <= 100; i++) {
		addr_set_port(&forged, (uint16_t)i);
		relay_udp_inject(relay, &forged, "x", 1);
	}
	CHECK(t.counters.connections == 3 && refused(REFUSAL_REPLACED) == 99 && refused(REFUSAL_LIMIT) == 0);
	CHECK(t.log_lines == 1 && strstr(t.last_line, "(max_udp_sessions)") != NULL && strstr(t.last_line, "idle longest"));
	while (receive(target) != NOTHING)
		;
	CHECK(is_heard(a) && t.counters.connections_total == 102);
	answer(a);
	b = prove("127.0.0.3");
	CHECK(is_heard(answered)); /* in another session, as its own made room */
	answer(answered);
	CHECK(is_heard(answered));
	i = client_at(SOCK_DGRAM, "127.0.0.4");
	check_dropped(i, REFUSAL_LIMIT);
	check_dropped(i, REFUSAL_LIMIT);
	CHECK(t.log_lines == 2 && strstr(t.last_line, "3 UDP sessions already (max_udp_sessions)") != NULL);
	CHECK(is_heard(a) && is_heard(b) && is_heard(answered) && t.counters.connections == 3);
	close(a);
	close(b);
	close(answered);
	close(i);
	close_udp();
}

static void
test_sessions_per_client(void)
{
	int clients[3], i;

	t.mapping.max_per_client = 2;
	open_udp();
	for (i = 0; i < 3; i++)
		clients[i] = client_at(SOCK_DGRAM, "127.0.0.2");
	CHECK(is_heard(clients[0]) && is_heard(clients[1]));
	check_dropped(clients[2], REFUSAL_CLIENT_LIMIT);
	CHECK(t.log_lines == 1 && strstr(t.last_line, "it has 2 UDP sessions already") != NULL);
	i = client_at(SOCK_DGRAM, "127.0.0.3");
	CHECK(is_heard(i) && is_heard(clients[0]));
	t.mapping.max_per_client = 0;
	relay_udp_change(relay);
	CHECK(is_heard(clients[2]));
	t.mapping.max_per_client = 3;
	relay_udp_change(relay);
	close(i);
	i = client_at(SOCK_DGRAM, "127.0.0.2");
	check_dropped(i, REFUSAL_CLIENT_LIMIT);
	t.mapping.udp_timeout = 1; /* memory of them ends with them */
	relay_udp_change(relay);
	WAIT_FOR(t.counters.connections == 0);
	CHECK(is_heard(i));
	t.mapping.udp_timeout = UDP_TIMEOUT_DEFAULT;
	close(i);
	for (i = 0; i < 3; i++)
		close(clients[i]);
	close_udp();
}

static bool
is_own_test(void *context, const struct addr *from, const void *data, size_t length)
{
	(void)context;
	(void)from;
	return length == 3 && memcmp(data, "own", 3) == 0;
}

static void
test_udp_networks(void)
{
	int a, b, denied;

	add_network(&t.mapping.allow, "127.0.0.2");
	add_network(&t.mapping.allow, "127.0.0.3");
	open_udp();
	t.counters.claim_datagram = is_own_test;
	a = prove("127.0.0.2");
	b = client_at(SOCK_DGRAM, "127.0.0.3");
	CHECK(is_heard(b));
	denied = client_at(SOCK_DGRAM, "127.0.0.4");
	check_dropped(denied, REFUSAL_DENIED);
	check_dropped(denied, REFUSAL_DENIED);
	CHECK(send(denied, "own", 3, 0) == 3); /* what this machine asked itself is nobody's */
	check_dropped(denied, REFUSAL_DENIED);
	CHECK(refused(REFUSAL_DENIED) == 3 && t.log_lines == 1);
	t.mapping.allow.count = 0;
	add_network(&t.mapping.deny, "127.0.0.2/31");
	relay_udp_change(relay);
	CHECK(t.counters.connections == 0 && refused(REFUSAL_DENIED) == 5);
	CHECK(is_heard(denied));
	check_dropped(a, REFUSAL_DENIED);
	close(a);
	close(b);
	close(denied);
	close_udp();
}

int
main(void)
{
	int before = count_open();

	loop_start();
	test_most_connections();
	test_per_client();
	test_change_limits();
	test_networks();
	test_connect_timeout();
	test_most_sessions();
	test_sessions_per_client();
	test_udp_networks();
	loop_end();
	CHECK(count_open() == before);
	return check_done();
}
