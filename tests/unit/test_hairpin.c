/* SPDX-License-Identifier: ISC */
/*
 * Hairpin probes against relays on the loopback interface, with this test in the
 * supervisor's place: what is the probe's own never gets to the target, and what
 * is a client's always does.
 * NEEDS: worker/hairpin worker/transaction worker/stun worker/net worker/relay worker/relay_tcp worker/connections worker/connections_change worker/connections_idle worker/connections_dial worker/admission worker/clients worker/fence worker/expiry worker/target worker/pipes worker/poller worker/pump worker/buffer
 * NEEDS: worker/relay_udp worker/udp_sessions worker/chains worker/sendqueue worker/datagram worker/testpage
 */
#include "loop.h"

#include "hairpin.h"
#include "uplink.h"

/* An address of which the kernel does not say that it is this machine's own. */
#define OUTSIDE "127.0.0.2"

static struct worker worker;
static struct hairpin *hairpin;
static struct relay_tcp *relay_tcp;
static struct relay_udp *relay_udp;
static int target;
static uplink_socket_cb *wish; /* NULL: none */
static void *wish_context;
static struct addr wish_to; /* unset: nobody */
static int done_count;
static bool reached;
static uint8_t buf[1000];

struct socket_wish *
uplink_ask_socket(struct uplink *uplink, enum socket_use use, const struct addr *to, uplink_socket_cb *done,
    void *context)
{
	(void)uplink;
	CHECK(use == SOCKET_FRESH);
	wish_to = to != NULL ? *to : (struct addr){0};
	wish = done;
	wish_context = context;
	return context;
}

void
uplink_forget_socket(struct socket_wish *w)
{
	CHECK((void *)w == wish_context);
	wish = NULL;
}

/* Really, all of 127.0.0.0/8 would be. */
bool
net_is_own_address(const struct addr *a)
{
	struct addr own;

	return addr_parse("127.0.0.1", 0, &own) == 0 && addr_same_ip(a, &own);
}

static void
answer_wish(void)
{
	struct addr bound;
	int type = worker.mapping.protocol == PROTOCOL_TCP ? SOCK_STREAM : SOCK_DGRAM, fd, error = 0;

	MUST((fd = bind_to(type, "127.0.0.1", 0, &bound)) >= 0);
	CHECK(type == SOCK_STREAM || !addr_is_set(&wish_to));
	if (addr_is_set(&wish_to) && connect(fd, &wish_to.sa, addr_len(&wish_to)) < 0 && errno != EINPROGRESS)
		error = errno;
	wish(wish_context, fd, error);
}

static void
on_done(void *context, bool result)
{
	CHECK(context == &worker);
	done_count++;
	reached = result;
}

static bool
claim_connection(void *context, int fd, const struct addr *from)
{
	CHECK(context == &worker);
	return hairpin_claim_connection(hairpin, fd, from);
}

static bool
claim_datagram(void *context, const struct addr *from, const void *data, size_t length)
{
	CHECK(context == &worker && addr_is_loopback(from));
	return hairpin_claim_datagram(hairpin, data, length);
}

static void
on_stray_connection(void *context, const struct addr *client, int fd)
{
	struct addr peer = addr_of_peer(fd);

	CHECK(context == &worker && (addr_equal(client, &peer) || !addr_is_set(&peer)));
	relay_tcp_inject(relay_tcp, client, fd);
}

static void
open_all(enum protocol protocol)
{
	int type = protocol == PROTOCOL_TCP ? SOCK_STREAM : SOCK_DGRAM, fd;

	t.mapping.protocol = protocol;
	MUST((target = bind_to(type, "127.0.0.1", 0, &t.mapping.target)) >= 0);
	MUST(protocol == PROTOCOL_UDP || listen(target, 10) == 0);
	MUST((fd = bind_to(type, OUTSIDE, 0, &t.public)) >= 0);
	memset(&t.counters, 0, sizeof(t.counters));
	t.counters.claim_connection = claim_connection;
	t.counters.claim_datagram = claim_datagram;
	t.counters.context = &worker;
	if (protocol == PROTOCOL_TCP)
		MUST((relay_tcp = relay_tcp_open(t.base, &t.mapping, fd, &t.counters)) != NULL);
	else
		MUST((relay_udp = relay_udp_open(t.base, &t.mapping, fd, &t.counters)) != NULL);
	worker.base = t.base;
	worker.mapping = t.mapping;
	worker.on_stray_connection = on_stray_connection;
	worker.stray_context = &worker;
	done_count = 0;
}

static void
close_all(void)
{
	hairpin_free(hairpin);
	hairpin = NULL;
	relay_tcp_close(relay_tcp);
	relay_udp_close(relay_udp);
	relay_tcp = NULL;
	relay_udp = NULL;
	close(target);
}

static void
probe(const struct addr *outer)
{
	hairpin = hairpin_start(&worker, outer, on_done, &worker);
	CHECK(wish != NULL);
	answer_wish();
}

static int
accept_on(int socket)
{
	int fd = -1;

	WAIT_FOR(fd >= 0 || (fd = accept4(socket, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0);
	return fd;
}

static ssize_t
receive_from(int fd)
{
	ssize_t n = -1;

	WAIT_FOR(n >= 0 || (n = recv(fd, buf, sizeof(buf) - 1, 0)) >= 0);
	return n;
}

/* What the target received in its next connection. */
static void
check_client(const char *wanted)
{
	int fd = accept_on(target);
	ssize_t n = receive_from(fd);

	buf[n < 0 ? 0 : n] = '\0';
	CHECK_TEXT((char *)buf, wanted);
	close(fd);
}

static void
test_tcp_reached(void)
{
	int before = count_open();

	open_all(PROTOCOL_TCP);
	probe(&t.public);
	WAIT_FOR(done_count > 0);
	CHECK(done_count == 1 && reached);
	CHECK(t.counters.connections_total == 0 && accept(target, NULL, NULL) < 0);
	close_all();
	CHECK(count_open() == before);
}

/* Somebody else accepts at the outer address, and says nothing: as long as the probe
 * waits for itself, the mapped port's clients may be the probe. */
static void
test_tcp_clients(void)
{
	struct addr elsewhere;
	int other = bind_to(SOCK_STREAM, OUTSIDE, 0, &elsewhere), accepted, client[4], i;
	double begin = net_now();

	MUST(other >= 0 && listen(other, 1) == 0);
	open_all(PROTOCOL_TCP);
	probe(&elsewhere);
	accepted = accept_on(other);
	for (i = 0; i < 4; i++)
		client[i] = connect_to(SOCK_STREAM, &t.public);
	for (i = 0; i < 20; i++)
		turn();
	CHECK(t.counters.connections_total == 0); /* the silent are held */
	CHECK(send(client[0], "hello", 5, MSG_NOSIGNAL) == 5);
	check_client("hello");
	shutdown(client[1], SHUT_WR);
	check_client("");
	/* What only begins like the probe's request is a client's, too. */
	CHECK(send(client[2], "\0\1\0\0\x21\x12\xa4\x42" "abcdefghijklmnop", 24, MSG_NOSIGNAL) == 24);
	check_client("");
	CHECK(done_count == 0 && net_now() - begin < 0.9);
	WAIT_FOR(done_count == 1 && t.counters.connections_total == 4);
	CHECK(!reached);
	CHECK(send(client[3], "late", 4, MSG_NOSIGNAL) == 4);
	check_client("late");
	for (i = 0; i < 4; i++)
		close(client[i]);
	close(accepted);
	close(other);
	close_all();
}

/* A probe that is not needed any more gives back what it holds; so does one whose
 * other end speaks. */
static void
test_tcp_ends_early(bool by_answer)
{
	struct addr elsewhere;
	int other = bind_to(SOCK_STREAM, OUTSIDE, 0, &elsewhere), accepted, client, i;

	MUST(other >= 0 && listen(other, 1) == 0);
	open_all(PROTOCOL_TCP);
	probe(&elsewhere);
	accepted = accept_on(other);
	client = connect_to(SOCK_STREAM, &t.public);
	for (i = 0; i < 20; i++)
		turn();
	CHECK(t.counters.connections_total == 0);
	if (by_answer) {
		CHECK(send(accepted, "?", 1, MSG_NOSIGNAL) == 1);
		WAIT_FOR(done_count == 1);
		CHECK(!reached);
	} else {
		hairpin_free(hairpin);
		hairpin = NULL;
		CHECK(done_count == 0);
	}
	CHECK(t.counters.connections_total == 1);
	CHECK(send(client, "hello", 5, MSG_NOSIGNAL) == 5);
	check_client("hello");
	close(accepted);
	close(client);
	close(other);
	close_all();
}

/* The probe's own end is connected, but not here yet when the other one is accepted. */
static void
test_tcp_late_socket(void)
{
	int fd, i;

	open_all(PROTOCOL_TCP);
	hairpin = hairpin_start(&worker, &t.public, on_done, &worker);
	CHECK(addr_equal(&wish_to, &t.public));
	fd = connect_to(SOCK_STREAM, &wish_to);
	for (i = 0; i < 20; i++)
		turn();
	wish(wish_context, fd, 0);
	WAIT_FOR(done_count > 0);
	CHECK(done_count == 1 && reached);
	CHECK(t.counters.connections_total == 0 && accept(target, NULL, NULL) < 0);
	close_all();
}

/* Nobody accepts: a client is held until that is known. */
static void
test_tcp_refused(void)
{
	struct addr nowhere;
	int none = bind_to(SOCK_STREAM, OUTSIDE, 0, &nowhere), client;

	open_all(PROTOCOL_TCP);
	hairpin = hairpin_start(&worker, &nowhere, on_done, &worker);
	client = connect_to(SOCK_STREAM, &t.public);
	answer_wish();
	WAIT_FOR(done_count == 1);
	CHECK(!reached);
	WAIT_FOR(t.counters.connections_total == 1);
	close(client);
	close(none);
	close_all();
}

static void
test_no_question(void)
{
	struct addr own = address("127.0.0.1:9");

	open_all(PROTOCOL_TCP);
	hairpin = hairpin_start(&worker, &t.public, on_done, &worker);
	wish(wish_context, -1, EMFILE);
	CHECK(done_count == 1 && !reached);
	hairpin_free(hairpin);
	probe(&own); /* what this machine sends to itself meets no NAT */
	CHECK(done_count == 2 && !reached);
	hairpin_free(hairpin);
	hairpin = hairpin_start(&worker, &t.public, on_done, &worker);
	hairpin_free(hairpin);
	hairpin = NULL;
	CHECK(wish == NULL && !hairpin_claim_datagram(NULL, "", 0) && !hairpin_claim_connection(NULL, 0, &own));
	close_all();
}

static void
test_udp_reached(void)
{
	uint8_t copy[100];
	ssize_t length;
	struct addr tapped;
	int tap = bind_to(SOCK_DGRAM, OUTSIDE, 0, &tapped), client;

	open_all(PROTOCOL_UDP);
	probe(&tapped); /* to see what it sends */
	length = receive_from(tap);
	memcpy(copy, buf, sizeof(copy));
	client = connect_to(SOCK_DGRAM, &t.public);
	CHECK(send(client, copy, (size_t)length - 1, 0) == length - 1);
	CHECK(receive_from(target) == length - 1);
	CHECK(done_count == 0);
	close(client);
	client = connect_to(SOCK_DGRAM, &t.public);
	CHECK(send(client, copy, (size_t)length, 0) == length);
	WAIT_FOR(done_count == 1);
	CHECK(reached);
	CHECK(send(client, copy, (size_t)length, 0) == length); /* a late copy */
	CHECK(send(client, "x", 1, 0) == 1);
	CHECK(receive_from(target) == 1);
	CHECK(done_count == 1 && t.counters.connections_total == 2);
	close(client);
	close(tap);
	close_all();
	open_all(PROTOCOL_UDP);
	probe(&t.public);
	WAIT_FOR(done_count == 1);
	CHECK(reached && t.counters.connections_total == 0 && recv(target, buf, sizeof(buf), 0) < 0);
	close_all();
}

static void
test_udp_silence(void)
{
	struct addr tapped;
	int tap = bind_to(SOCK_DGRAM, OUTSIDE, 0, &tapped), n = 0;
	double begin = net_now();

	open_all(PROTOCOL_UDP);
	probe(&tapped);
	WAIT_FOR(done_count == 1);
	CHECK(!reached && net_now() - begin > 3.4);
	while (recv(tap, buf, sizeof(buf), 0) > 0)
		n++;
	CHECK(n == 3);
	close(tap);
	close_all();
}

int
main(void)
{
	loop_start();
	test_tcp_reached();
	test_tcp_clients();
	test_tcp_ends_early(false);
	test_tcp_ends_early(true);
	test_tcp_late_socket();
	test_tcp_refused();
	test_no_question();
	test_udp_reached();
	test_udp_silence();
	loop_end();
	return check_done();
}
