/* SPDX-License-Identifier: ISC */
/*
 * A probe that ends while the supervisor, played by this test, still makes its socket:
 * what that socket received from clients until then is not lost.
 * NEEDS: worker/probe worker/channel worker/uplink worker/transaction worker/stun worker/net
 */
#include "loop.h"

#include "probe.h"
#include "uplink.h"

static struct worker worker;
static struct addr client;
static int strays;

static void
on_stray(void *context, const struct addr *from, const void *data, size_t length)
{
	CHECK(context == &worker && addr_equal(from, &client));
	CHECK(length == 5 && memcmp(data, "hello", length) == 0);
	strays++;
}

static void
on_probe(void *context, struct probe *probe, const struct probe_result *result)
{
	(void)context;
	(void)probe;
	(void)result;
	CHECK(!"a probe that was ended says nothing");
}

static void
receive_wish(int supervisor)
{
	struct message m;

	MUST(message_receive(supervisor, &m) == 1 && m.kind == MESSAGE_SOCKET);
	CHECK(m.socket_request.use == SOCKET_CONNECT);
}

static void
test_forgotten_socket(int supervisor, enum protocol protocol, int expected)
{
	struct server server = {.addr = address("192.0.2.1:3478"), .name = "192.0.2.1:3478"};
	struct socket_answer no_error = {0};
	struct addr mapped;
	int fd, sender, before;

	worker.mapping.protocol = protocol;
	strays = 0;
	probe_free(probe_start(&worker, &server, on_probe, NULL));
	receive_wish(supervisor);
	MUST((fd = bind_to(protocol == PROTOCOL_TCP ? SOCK_STREAM : SOCK_DGRAM, "0.0.0.0", 0, &mapped)) >= 0);
	MUST((sender = bind_to(SOCK_DGRAM, "127.0.0.1", 0, &client)) >= 0);
	MUST(sendto(sender, "hello", 5, 0, &mapped.sa, addr_len(&mapped)) == 5);
	MUST(sendto(sender, "hello", 5, 0, &mapped.sa, addr_len(&mapped)) == 5);
	before = count_open();
	MUST(message_send(supervisor, MESSAGE_SOCKET, &no_error, sizeof(no_error), fd) == 0);
	close(fd);
	turn();
	CHECK(strays == expected);
	CHECK(count_open() == before - 1);
	close(sender);
}

/* A socket that could not be made was none to lose anything. */
static void
test_no_socket(int supervisor)
{
	struct server server = {.addr = address("192.0.2.1:3478"), .name = "192.0.2.1:3478"};
	struct socket_answer answer = {.error = EADDRINUSE};

	worker.mapping.protocol = PROTOCOL_UDP;
	probe_free(probe_start(&worker, &server, on_probe, NULL));
	receive_wish(supervisor);
	MUST(message_send(supervisor, MESSAGE_SOCKET, &answer, sizeof(answer), -1) == 0);
	turn();
}

int
main(void)
{
	int pair[2];

	loop_start();
	MUST(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0);
	worker.base = t.base;
	worker.uplink = uplink_new(t.base, pair[0]);
	worker.on_stray = on_stray;
	worker.stray_context = &worker;
	test_forgotten_socket(pair[1], PROTOCOL_UDP, 2);
	test_forgotten_socket(pair[1], PROTOCOL_TCP, 0);
	test_no_socket(pair[1]);
	uplink_free(worker.uplink);
	close(pair[1]);
	close(pair[0]);
	loop_end();
	return check_done();
}
