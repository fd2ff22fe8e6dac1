/* SPDX-License-Identifier: ISC */
/*
 * The UDP relay on the loopback interface: what passes, whose answer it is,
 * how sessions end, and what a target that is down does.
 * NEEDS: worker/relay worker/relay_udp worker/udp_sessions worker/admission worker/clients worker/expiry worker/chains worker/sendqueue worker/datagram worker/buffer worker/net
 */
#include "udp_loop.h"

#define SESSIONS_MAX 10000

static void
test_sizes(void)
{
	static const size_t sizes[] = {1, 0, LONGEST, 1400, LONGEST - 1, 0, 1472, 1473};
	uint64_t sum = 0;
	size_t i;
	int client;

	open_target("127.0.0.1", 0);
	open_relay("127.0.0.1");
	client = connect_to(SOCK_DGRAM, &t.public);
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		check_exchange(client, sizes[i]);
		sum += sizes[i];
	}
	CHECK(t.counters.bytes_in == sum && t.counters.bytes_out == sum);
	CHECK(t.counters.connections == 1 && t.counters.connections_total == 1);
	CHECK(receive(client) == NOTHING);
	CHECK(t.log_lines == 0);
	close(client);
	close_all();
}

/* More than one batch at once, in order. */
static void
test_burst(void)
{
	int client, i, value = -1, in_order = 0;

	open_target("127.0.0.1", 0);
	open_relay("127.0.0.1");
	client = connect_to(SOCK_DGRAM, &t.public);
	for (i = 0; i < 200; i++)
		CHECK(send(client, &i, sizeof(i), 0) == sizeof(i));
	wait_and_echo(200);
	for (i = 0; i < 200; i++) {
		if (wait_for(client) == sizeof(value))
			memcpy(&value, buf, sizeof(value));
		in_order += value == i;
	}
	CHECK(in_order == 200);
	CHECK(t.counters.bytes_in == 200 * sizeof(i) && t.counters.bytes_out == 200 * sizeof(i));
	close(client);
	close_all();
}

#define CLIENTS 200

static void
test_many_clients(void)
{
	int clients[CLIENTS], i, own, right = 0;

	open_target("127.0.0.1", 0);
	open_relay("127.0.0.1");
	for (i = 0; i < CLIENTS; i++) {
		clients[i] = connect_to(SOCK_DGRAM, &t.public);
		CHECK(send(clients[i], &i, sizeof(i), 0) == sizeof(i));
	}
	wait_and_echo(CLIENTS);
	for (i = 0; i < CLIENTS; i++) {
		own = -1;
		if (wait_for(clients[i]) == sizeof(own))
			memcpy(&own, buf, sizeof(own));
		right += own == i;
		CHECK(receive(clients[i]) == NOTHING);
		close(clients[i]);
	}
	CHECK(right == CLIENTS);
	CHECK(t.counters.connections == CLIENTS && t.counters.connections_total == CLIENTS);
	close_all();
	CHECK(t.counters.connections_total == CLIENTS);
}

/* A connected client takes answers only from the address that it spoke to. */
static void
test_answers_from(const char *bind_ip, const char *spoken_to)
{
	struct addr a = address(spoken_to);
	int client;

	open_target("127.0.0.1", 0);
	if (open_relay(bind_ip)) {
		addr_set_port(&a, addr_port(&t.public));
		client = connect_to(SOCK_DGRAM, &a);
		check_exchange(client, 100);
		check_exchange(client, LONGEST);
		close(client);
		relay_udp_close(relay);
	}
	close(target);
}

static void
check_answered_from(int client, const struct addr *server)
{
	double give_up = net_now() + PATIENCE;
	struct addr from = {0};
	socklen_t length = sizeof(from);

	CHECK(sendto(client, "x", 1, 0, &server->sa, addr_len(server)) == 1);
	wait_and_echo(1);
	while (recvfrom(client, buf, sizeof(buf), 0, &from.sa, &length) < 0 && net_now() < give_up)
		turn();
	CHECK(addr_equal(&from, server));
}

/* The same client at another of our addresses is answered from there. */
static void
test_answers_follow(void)
{
	struct addr first = address("127.0.0.2"), second = address("127.0.0.3"), own;
	int client;

	open_target("127.0.0.1", 0);
	open_relay("0.0.0.0");
	addr_set_port(&first, addr_port(&t.public));
	addr_set_port(&second, addr_port(&t.public));
	MUST((client = bind_to(SOCK_DGRAM, "127.0.0.1", 0, &own)) >= 0);
	check_answered_from(client, &first);
	check_answered_from(client, &second);
	check_answered_from(client, &first);
	CHECK(t.counters.connections_total == 1);
	close(client);
	close_all();
}

/* Of two sessions the one that is used stays. */
static void
test_idle(void)
{
	double begin, sent = 0;
	int used, idle;

	t.mapping.udp_timeout = 1;
	open_target("127.0.0.1", 0);
	open_relay("127.0.0.1");
	used = connect_to(SOCK_DGRAM, &t.public);
	idle = connect_to(SOCK_DGRAM, &t.public);
	check_exchange(used, 1);
	check_exchange(idle, 1);
	begin = net_now();
	while (t.counters.connections == 2 && net_now() < begin + PATIENCE) {
		if (net_now() > sent + 0.05) {
			CHECK(send(used, "x", 1, 0) == 1);
			sent = net_now();
		}
		turn();
	}
	CHECK(t.counters.connections == 1);
	CHECK(net_now() - begin > 0.9 && net_now() - begin < 3);
	WAIT_FOR(t.counters.connections == 0);
	CHECK(net_now() - sent > 0.9 && net_now() - sent < 3);
	CHECK(t.counters.connections_total == 2);
	while (receive(target) != NOTHING)
		continue;
	check_exchange(idle, 1); /* as a new session */
	CHECK(t.counters.connections == 1 && t.counters.connections_total == 3);
	t.mapping.udp_timeout = 60;
	close(used);
	close(idle);
	close_all();
}

static void
send_to_nobody(int client)
{
	uint64_t total = t.counters.connections_total;

	CHECK(send(client, "x", 1, 0) == 1);
	WAIT_FOR(t.counters.connections_total > total && t.counters.connections == 0);
}

static void
test_refused(void)
{
	char text[ADDR_TEXT_SIZE], expected[LOG_TEXT_SIZE], from_text[ADDR_TEXT_SIZE];
	struct addr from;
	int client, other, before;

	open_target("127.0.0.1", 0);
	close(target);
	open_relay("127.0.0.1");
	t.counters.on_failure = count_failure;
	client = connect_to(SOCK_DGRAM, &t.public);
	other = connect_to(SOCK_DGRAM, &t.public);
	before = count_open();
	send_to_nobody(client);
	from = addr_of_socket(client);
	snprintf(expected, sizeof(expected), "the target %s refused a datagram from %s",
	    addr_text(&t.mapping.target, text), addr_text(&from, from_text));
	CHECK_TEXT(t.last_line, expected);
	send_to_nobody(other);
	send_to_nobody(client);
	CHECK(t.failures[CAUSE_TARGET_REFUSED] == 3 && t.failures[CAUSE_TARGET_UNREACHABLE] == 0);
	CHECK(t.log_lines == 1); /* once until the target is back */
	CHECK(count_open() == before);

	open_target("127.0.0.1", addr_port(&t.mapping.target));
	check_exchange(client, 10);
	snprintf(expected, sizeof(expected), "the target %s answers again", text);
	CHECK_TEXT(t.last_line, expected);
	CHECK(t.log_lines == 2 && t.counters.connections == 1);

	close(target); /* and away again, under a session that was used */
	CHECK(send(client, "x", 1, 0) == 1);
	WAIT_FOR(t.counters.connections == 0);
	CHECK(t.log_lines == 3);
	target = -1;
	close(client);
	close(other);
	close_all();
}

/* An error of one session leaves the others alone. */
static void
test_only_that_session(void)
{
	struct addr there, nobody;
	int client, other;

	open_target("127.0.0.1", 0);
	open_relay("127.0.0.1");
	client = connect_to(SOCK_DGRAM, &t.public);
	other = connect_to(SOCK_DGRAM, &t.public);
	check_exchange(client, 1);
	there = t.mapping.target;
	close(bind_to(SOCK_DGRAM, "127.0.0.1", 0, &nobody));
	t.mapping.target = nobody; /* for new sessions */
	CHECK(send(other, "x", 1, 0) == 1);
	WAIT_FOR(t.counters.connections_total == 2 && t.counters.connections == 1);
	t.mapping.target = there;
	check_exchange(client, 1);
	CHECK(t.counters.connections_total == 2);
	close(client);
	close(other);
	close_all();
}

/* What the target said before it went away still reaches the client. */
static void
test_last_words(int answers)
{
	struct addr session, from;
	int client, i;

	open_target("127.0.0.1", 0);
	open_relay("127.0.0.1");
	client = connect_to(SOCK_DGRAM, &t.public);
	session = meet(client);
	for (i = 0; i < answers; i++)
		CHECK(sendto(target, &i, sizeof(i), 0, &session.sa, addr_len(&session)) == sizeof(i));
	close(target);
	from = addr_of_socket(client);
	relay_udp_inject(relay, &from, "y", 1); /* is refused before the answers have their turn */
	for (i = 0; i < answers; i++)
		CHECK(wait_for(client) == sizeof(i) && memcmp(buf, &i, sizeof(i)) == 0);
	CHECK(t.counters.connections == 1 && t.counters.bytes_out == (uint64_t)answers * sizeof(i));
	CHECK(send(client, "z", 1, 0) == 1);
	WAIT_FOR(t.counters.connections == 0);
	target = -1;
	close(client);
	close_all();
}

static void
test_inject(void)
{
	struct addr from;
	int client;

	open_target("127.0.0.1", 0);
	open_relay("127.0.0.1");
	client = connect_to(SOCK_DGRAM, &t.public);
	from = addr_of_socket(client);
	relay_udp_inject(relay, &from, "hello", 5);
	wait_and_echo(1);
	CHECK(wait_for(client) == 5 && memcmp(buf, "hello", 5) == 0);
	check_exchange(client, 100); /* the usual way, in the same session */
	relay_udp_inject(relay, &from, NULL, 0);
	wait_and_echo(1);
	CHECK(wait_for(client) == 0);
	CHECK(t.counters.connections_total == 1);
	CHECK(t.counters.bytes_in == 105 && t.counters.bytes_out == 105);
	close(client);
	close_all();
}

static int news; /* calls of on_connections */

static void
on_connections(void *context)
{
	CHECK(context == &news);
	news++;
}

static bool
is_late(void *context, const struct addr *from, const void *data, size_t length)
{
	CHECK(context == &news && addr_is_loopback(from));
	return length == 4 && memcmp(data, "late", 4) == 0;
}

/* What the relay asks and tells its owner. */
static void
test_owner(void)
{
	int client, other;

	open_target("127.0.0.1", 0);
	open_relay("127.0.0.1");
	news = 0;
	t.counters.on_connections = on_connections;
	t.counters.claim_datagram = is_late;
	t.counters.context = &news;
	client = connect_to(SOCK_DGRAM, &t.public);
	other = connect_to(SOCK_DGRAM, &t.public);
	CHECK(send(other, "late", 4, 0) == 4); /* the punching side's, not a client's */
	check_exchange(client, 1);
	CHECK(news == 1 && t.counters.connections_total == 1 && t.counters.bytes_in == 1);
	CHECK(send(client, "late", 4, 0) == 4); /* who has a session may say so */
	wait_and_echo(1);
	CHECK(wait_for(client) == 4);
	close(client);
	close(other);
	close_all();
	CHECK(news == 2);
}

/* With as many sessions as there may be, the one idle longest makes room. */
static void
test_most_sessions(void)
{
	struct addr from = address("192.0.2.1");
	int i;

	if (raise_nofile() < SESSIONS_MAX + 100) {
		printf("skipped, the limit of open descriptors is too low for %d sessions\n", SESSIONS_MAX);
		return;
	}
	open_target("127.0.0.1", 0);
	open_relay("127.0.0.1");
	for (i = 1; i <= SESSIONS_MAX; i++) {
		addr_set_port(&from, (uint16_t)i);
		relay_udp_inject(relay, &from, "x", 1);
	}
	CHECK(t.counters.connections == SESSIONS_MAX && t.counters.connections_total == SESSIONS_MAX);
	CHECK(t.log_lines == 0);
	addr_set_port(&from, 1); /* used again: now the second one is idle longest */
	relay_udp_inject(relay, &from, "x", 1);
	addr_set_port(&from, SESSIONS_MAX + 1);
	relay_udp_inject(relay, &from, "x", 1);
	CHECK(t.counters.connections == SESSIONS_MAX && t.counters.connections_total == SESSIONS_MAX + 1);
	CHECK(t.log_lines == 1 && strstr(t.last_line, "idle longest") != NULL);
	addr_set_port(&from, 1);
	relay_udp_inject(relay, &from, "x", 1);
	CHECK(t.counters.connections_total == SESSIONS_MAX + 1);
	addr_set_port(&from, 2);
	relay_udp_inject(relay, &from, "x", 1);
	CHECK(t.counters.connections_total == SESSIONS_MAX + 2);
	CHECK(t.counters.connections == SESSIONS_MAX && t.log_lines == 1);
	close_all();
}

static void
test_no_descriptors(void)
{
	int clients[3], i;

	open_target("127.0.0.1", 0);
	open_relay("127.0.0.1");
	for (i = 0; i < 3; i++)
		clients[i] = connect_to(SOCK_DGRAM, &t.public);
	check_exchange(clients[0], 1);
	leave_descriptors(0);
	check_exchange(clients[1], 1);
	check_exchange(clients[2], 1);
	CHECK(t.counters.connections == 1 && t.counters.connections_total == 3);
	CHECK(t.log_lines == 1 && strstr(t.last_line, "no descriptors") != NULL);
	raise_nofile();
	check_exchange(clients[0], 1);
	CHECK(t.counters.connections == 2);
	for (i = 0; i < 3; i++)
		close(clients[i]);
	close_all();
}

/* A session keeps its target, new ones have the new one, and the time applies to all. */
static void
test_change(void)
{
	char text[ADDR_TEXT_SIZE];
	struct addr old;
	int first, second, old_target;

	t.mapping.udp_timeout = 1000;
	open_target("127.0.0.1", 0);
	open_relay("127.0.0.1");
	first = connect_to(SOCK_DGRAM, &t.public);
	second = connect_to(SOCK_DGRAM, &t.public);
	check_exchange(first, 1);
	old = t.mapping.target;
	old_target = target;
	open_target("127.0.0.1", 0);
	relay_udp_change(relay);
	check_exchange(second, 2);
	CHECK(send(first, "x", 1, 0) == 1 && wait_for(old_target) == 1);
	/* A trouble is said of the one that has it. */
	close(old_target);
	CHECK(send(first, "x", 1, 0) == 1);
	WAIT_FOR(t.counters.connections == 1);
	CHECK(t.log_lines == 1 && strstr(t.last_line, addr_text(&old, text)) != NULL);
	check_exchange(first, 3);
	CHECK(t.counters.connections == 2);
	t.mapping.udp_timeout = 1;
	relay_udp_change(relay);
	WAIT_FOR(t.counters.connections == 0);
	t.mapping.udp_timeout = UDP_TIMEOUT_DEFAULT;
	close(first);
	close(second);
	close_all();
}

int
main(void)
{
	int before = count_open();

	loop_start();
	test_sizes();
	test_burst();
	test_many_clients();
	test_answers_from("0.0.0.0", "127.0.0.2");
	test_answers_from("::", "::1");
	test_answers_from("::", "::ffff:127.0.0.2");
	test_answers_from("::1", "::1");
	test_answers_follow();
	test_idle();
	test_refused();
	test_only_that_session();
	test_last_words(1);
	test_last_words(5);
	test_inject();
	test_owner();
	test_most_sessions();
	test_no_descriptors();
	test_change();
	loop_end();
	CHECK(count_open() == before);
	return check_done();
}
