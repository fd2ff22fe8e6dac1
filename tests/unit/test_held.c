/* SPDX-License-Identifier: ISC */
/*
 * held.c: which sockets of a dead worker the next one gets, and that nothing stays open that
 * nobody serves.  This test is supervisor, workers and strangers.
 * NEEDS: supervisor/held supervisor/interface worker/net supervisor/untouched supervisor/broker supervisor/stall
 */
#include "held.h"

#include <linux/filter.h>
#include <netinet/tcp.h>
#include <poll.h>

#include "broker.h"
#include "loop.h"
#include "service.h"

static struct held h;
static struct mapping mapping;
static struct interface interface;
static struct addr server; /* a keep-alive server of many addresses, so that no connection is in another's way */
static int server_fd;

/* service.c's place: no other mapping is in the way. */
struct services *
services_all(void)
{
	static struct services none = TAILQ_HEAD_INITIALIZER(none);

	return &none;
}

/* A socket on the mapped port. */
static int
make_socket(void)
{
	struct addr bound;
	int on = 1, fd = bind_to(SOCK_STREAM, "127.0.0.1", addr_port(&mapping.bind), &bound);

	MUST(fd >= 0);
	MUST(setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) == 0);
	return fd;
}

/* The same, connected to the server; *peer is the server's end. */
static int
make_connection(int *peer)
{
	struct pollfd p = {.fd = server_fd, .events = POLLIN};
	int fd = make_socket();

	server.v4.sin_addr.s_addr = htonl(ntohl(server.v4.sin_addr.s_addr) + 1);
	MUST(connect(fd, &server.sa, addr_len(&server)) == 0 || errno == EINPROGRESS);
	MUST(poll(&p, 1, 1000) == 1);
	MUST((*peer = accept(server_fd, NULL, NULL)) >= 0);
	return fd;
}

/* Waits for a word from the other side: 0 for an end, else the errno of an error. */
static int
how_it_ended(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	char byte;

	MUST(poll(&p, 1, 1000) == 1);
	return recv(fd, &byte, 1, MSG_DONTWAIT) < 0 ? errno : 0;
}

static void
test_a_life(void)
{
	int before = count_open(), keep, peer, serve, first;

	CHECK(held_take(&h, SOCKET_SERVE) == -1);
	serve = make_socket();
	held_put(&h, SOCKET_SERVE, serve);
	keep = make_connection(&peer);
	held_put(&h, SOCKET_KEEP, keep);
	first = make_socket();
	held_put(&h, SOCKET_CONNECT, first);
	CHECK(fcntl(first, F_GETFD) < 0); /* what is not held is closed */
	/* While its worker lives, nothing is given twice. */
	CHECK(held_take(&h, SOCKET_SERVE) == -1 && held_take(&h, SOCKET_KEEP) == -1);
	held_inherit(&h);
	CHECK(held_take(&h, SOCKET_CONNECT) == -1);
	CHECK(held_take(&h, SOCKET_SERVE) == serve && held_take(&h, SOCKET_SERVE) == -1);
	held_put(&h, SOCKET_SERVE, serve);
	CHECK(held_take(&h, SOCKET_KEEP) == keep && held_take(&h, SOCKET_KEEP) == -1);
	held_put(&h, SOCKET_KEEP, keep);
	CHECK(held_take(&h, SOCKET_SERVE) == -1 && held_take(&h, SOCKET_KEEP) == -1);
	/* The next death, and the one after. */
	held_inherit(&h);
	held_inherit(&h);
	CHECK(held_take(&h, SOCKET_KEEP) == keep);
	held_put(&h, SOCKET_KEEP, keep);
	held_end(&h);
	CHECK(how_it_ended(peer) == ECONNRESET);
	close(peer);
	CHECK(count_open() == before);
}

/* Clients that come while there is no worker. */
static void
test_queue(void)
{
	int serve = make_socket(), worker = dup(serve), client, accepted;
	struct pollfd p = {.fd = serve, .events = POLLIN};

	MUST(listen(worker, 16) == 0);
	held_put(&h, SOCKET_SERVE, serve);
	close(worker);
	held_inherit(&h);
	client = connect_to(SOCK_STREAM, &mapping.bind);
	MUST(poll(&p, 1, 1000) == 1);
	worker = held_take(&h, SOCKET_SERVE);
	CHECK(listen(worker, 16) == 0);
	accepted = accept(worker, NULL, NULL);
	CHECK(accepted >= 0);
	close(accepted);
	close(client);
	held_put(&h, SOCKET_SERVE, worker);
	/* Nobody comes for it: who waits is told. */
	held_inherit(&h);
	client = connect_to(SOCK_STREAM, &mapping.bind);
	MUST(poll(&p, 1, 1000) == 1);
	held_end_inherited(&h);
	CHECK(h.count == 0 && how_it_ended(client) == ECONNRESET);
	close(client);
}

/* One that serves replaces the other. */
static void
test_one_serves(void)
{
	int before = count_open(), second;

	held_put(&h, SOCKET_SERVE, make_socket());
	second = make_socket();
	held_put(&h, SOCKET_SERVE, second);
	CHECK(h.count == 1);
	held_inherit(&h);
	CHECK(held_take(&h, SOCKET_SERVE) == second);
	close(second);
	CHECK(count_open() == before);
}

/* A connection that is not up on both sides is of no use to the next worker. */
static void
test_what_is_not_inherited(void)
{
	int before = count_open(), peer, live, live_peer;

	held_put(&h, SOCKET_KEEP, make_socket());
	held_put(&h, SOCKET_KEEP, make_connection(&peer));
	shutdown(peer, SHUT_WR); /* CLOSE_WAIT at our end */
	live = make_connection(&live_peer);
	held_put(&h, SOCKET_KEEP, live);
	WAIT_FOR(recv(h.sockets[1].fd, &(char){0}, 1, MSG_PEEK) == 0);
	held_inherit(&h);
	CHECK(h.count == 1 && how_it_ended(peer) == ECONNRESET);
	/* It ends after the death but before the next worker asks. */
	close(live_peer);
	WAIT_FOR(recv(live, &(char){0}, 1, MSG_PEEK) == 0);
	CHECK(held_take(&h, SOCKET_KEEP) == -1 && h.count == 0);
	close(peer);
	CHECK(count_open() == before);
}

static void
test_other_mapping(void)
{
	struct addr bind = mapping.bind;
	int peer;

	held_put(&h, SOCKET_SERVE, make_socket());
	held_put(&h, SOCKET_KEEP, make_connection(&peer));
	addr_set_port(&mapping.bind, (uint16_t)(addr_port(&bind) ^ 1));
	held_inherit(&h);
	CHECK(h.count == 0 && how_it_ended(peer) == ECONNRESET);
	close(peer);
	mapping.bind = bind;
}

/* However many are asked for: the connection that is up is kept, and what is over is let go. */
static void
test_bounds(void)
{
	int before = count_open(), i, peer, live = make_connection(&peer);

	held_put(&h, SOCKET_KEEP, live);
	for (i = 0; i < 10; i++)
		held_put(&h, SOCKET_KEEP, make_socket());
	held_put(&h, SOCKET_SERVE, make_socket());
	CHECK(h.count == HELD_KEEPS_MAX + 1 && h.sockets[0].fd == live);
	for (i = 0; i < HELD_KEEPS_MAX; i++)
		h.sockets[i].given -= 60;
	held_put(&h, SOCKET_KEEP, make_socket());
	CHECK(h.count == 3); /* the live one, the one that serves, and the new one */
	held_inherit(&h);
	CHECK(held_take(&h, SOCKET_KEEP) == live);
	/* The dead worker's own end of it is not ours to end, while it is the living one's. */
	held_put(&h, SOCKET_KEEP, live);
	held_end_inherited(&h);
	CHECK(h.count == 1 && recv(peer, &(char){0}, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN);
	held_end(&h);
	close(peer);
	CHECK(count_open() == before);
}

static void
set_number(int fd, int level, int option, int value)
{
	MUST(setsockopt(fd, level, option, &value, sizeof(value)) == 0);
}

static void
drop_everything(int fd, int unused)
{
	struct sock_filter nothing = BPF_STMT(BPF_RET | BPF_K, 0);
	struct sock_fprog program = {.len = 1, .filter = &nothing};

	(void)unused;
	MUST(setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) == 0);
}

static void
linger(int fd, int seconds)
{
	struct linger value = {.l_onoff = 1, .l_linger = seconds};

	MUST(setsockopt(fd, SOL_SOCKET, SO_LINGER, &value, sizeof(value)) == 0);
}

static void
shut_down(int fd, int how)
{
	(void)shutdown(fd, how); /* UDP says that it is not connected, and is deaf from then on */
}

static void
connect_to_itself(int fd, int unused)
{
	struct addr own = addr_of_socket(fd);

	(void)unused;
	MUST(connect(fd, &own.sa, addr_len(&own)) == 0 || errno == EINPROGRESS);
}

static void
set_low_water(int fd, int value)
{
	set_number(fd, SOL_SOCKET, SO_RCVLOWAT, value);
}

static void
set_hops(int fd, int value)
{
	set_number(fd, IPPROTO_IP, IP_TTL, value);
}

static void
set_buffer(int fd, int value)
{
	set_number(fd, SOL_SOCKET, SO_RCVBUF, value);
}

static void
defer_accept(int fd, int value)
{
	set_number(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, value);
}

static void
clear_non_blocking(int fd, int flags)
{
	MUST(fcntl(fd, F_SETOWN, getpid()) == 0 && fcntl(fd, F_SETFL, flags) == 0);
}

/* Gives a socket to a worker that does this to it, and dies.  Returns what the next one gets. */
static int
inherit_after(enum socket_use use, int fd, void (*tamper)(int fd, int value), int value)
{
	int worker = dup(fd);

	held_put(&h, use, fd);
	tamper(worker, value);
	close(worker);
	held_inherit(&h);
	return held_take(&h, use);
}

/* Whatever a dead worker has made of its sockets: the next one gets a good one, or none. */
static void
test_tampering(void)
{
	int before = count_open(), peer, fd;

	mapping.protocol = PROTOCOL_TCP;
	CHECK(inherit_after(SOCKET_SERVE, make_socket(), drop_everything, 0) == -1);
	CHECK(inherit_after(SOCKET_SERVE, make_socket(), set_low_water, 1000) == -1);
	CHECK(inherit_after(SOCKET_SERVE, make_socket(), set_hops, 1) == -1);
	CHECK(inherit_after(SOCKET_SERVE, make_socket(), set_buffer, 1) == -1);
	CHECK(inherit_after(SOCKET_SERVE, make_socket(), defer_accept, 60) == -1);
	CHECK(inherit_after(SOCKET_SERVE, make_socket(), linger, 1000) == -1);
	CHECK(inherit_after(SOCKET_SERVE, make_socket(), connect_to_itself, 0) == -1);
	CHECK(inherit_after(SOCKET_KEEP, make_connection(&peer), set_low_water, 1000) == -1);
	CHECK(how_it_ended(peer) == ECONNRESET);
	close(peer);
	/* Of no harm, or made good: what natter's own worker does, and what is easily set right. */
	fd = inherit_after(SOCKET_KEEP, make_connection(&peer), linger, 0);
	CHECK(fd >= 0);
	close(fd);
	close(peer);
	fd = inherit_after(SOCKET_SERVE, make_socket(), shut_down, SHUT_RD);
	CHECK(fd >= 0 && listen(fd, 1) == 0);
	close(fd);
	fd = inherit_after(SOCKET_SERVE, make_socket(), clear_non_blocking, O_ASYNC);
	CHECK(fd >= 0 && fcntl(fd, F_GETFL) == (O_RDWR | O_NONBLOCK) && fcntl(fd, F_GETOWN) == 0);
	close(fd);
	CHECK(count_open() == before);
}

static int
make_udp_socket(void)
{
	int fd = broker_make_socket(&mapping, SOCKET_SERVE);

	MUST(fd >= 0);
	return fd;
}

static void
test_tampering_with_udp(void)
{
	int fd;

	mapping.protocol = PROTOCOL_UDP;
	CHECK(inherit_after(SOCKET_SERVE, make_udp_socket(), connect_to_itself, 0) == -1);
	CHECK(inherit_after(SOCKET_SERVE, make_udp_socket(), shut_down, SHUT_RD) == -1);
	CHECK(inherit_after(SOCKET_SERVE, make_udp_socket(), drop_everything, 0) == -1);
	fd = inherit_after(SOCKET_SERVE, make_udp_socket(), clear_non_blocking, 0);
	CHECK(fd >= 0);
	close(fd);
	mapping.protocol = PROTOCOL_TCP;
}

/* Its connection makes whoever closes it last wait for minutes, and then it asks for so many more that natterd
 * has no room for that one. */
static void
test_a_worker_that_lingers(void)
{
	int peers[HELD_KEEPS_MAX + 1], keep = make_connection(&peers[0]), worker = dup(keep), i;
	static char much[1 << 20];
	double began;

	held_put(&h, SOCKET_KEEP, keep);
	while (send(worker, much, sizeof(much), MSG_DONTWAIT) > 0)
		;
	linger(worker, 300);
	close(worker);
	began = net_now();
	for (i = 1; i <= HELD_KEEPS_MAX; i++)
		held_put(&h, SOCKET_KEEP, make_connection(&peers[i]));
	CHECK(h.count == HELD_KEEPS_MAX && net_now() - began < 2);
	held_end(&h);
	for (i = 0; i <= HELD_KEEPS_MAX; i++)
		close(peers[i]);
}

/* Who has nothing that outlives a worker: the NAT check. */
static void
test_nobody(void)
{
	int fd = make_socket();

	held_put(NULL, SOCKET_SERVE, fd);
	CHECK(fcntl(fd, F_GETFD) < 0);
}

/* A mapping that is not served any more: its port is left, its connections are not. */
static void
test_forget(void)
{
	int serving = make_socket(), peer, keep = make_connection(&peer);

	CHECK(held_find(&h, SOCKET_SERVE) < 0);
	held_put(&h, SOCKET_SERVE, serving);
	held_put(&h, SOCKET_KEEP, keep);
	CHECK(held_find(&h, SOCKET_SERVE) == serving && held_find(&h, SOCKET_KEEP) == keep);
	held_forget(&h, SOCKET_SERVE);
	CHECK(fcntl(serving, F_GETFD) < 0 && held_find(&h, SOCKET_SERVE) < 0 && held_find(&h, SOCKET_KEEP) == keep);
	held_end(&h);
	close(peer);
}

int
main(void)
{
	int any;

	loop_start();
	MUST((any = bind_to(SOCK_STREAM, "127.0.0.1", 0, &mapping.bind)) >= 0);
	close(any);
	MUST((server_fd = bind_to(SOCK_STREAM, "0.0.0.0", 0, &server)) >= 0 && listen(server_fd, 16) == 0);
	server.v4.sin_addr.s_addr = htonl(0x7f000100);
	interface_init(&interface, &mapping);
	held_init(&h, &mapping, &interface);
	test_a_life();
	test_queue();
	test_one_serves();
	test_what_is_not_inherited();
	test_other_mapping();
	test_bounds();
	test_tampering();
	test_tampering_with_udp();
	test_a_worker_that_lingers();
	test_nobody();
	test_forget();
	close(server_fd);
	loop_end();
	return check_done();
}
