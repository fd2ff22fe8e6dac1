/* SPDX-License-Identifier: ISC */
/*
 * A probe that ends while the supervisor, played by this test, still makes its socket:
 * what that socket received from clients until then is not lost.  And one whose server's
 * address sends all sorts of things: what is no answer is a client's.
 * NEEDS: worker/probe worker/channel worker/uplink worker/transaction worker/stun worker/net
 */
#include "loop.h"

#include "probe.h"
#include "stun.h"
#include "uplink.h"

static struct worker worker;
static struct addr client;
static int strays, answers;
static const char mapped_text[] = "203.0.113.7:40123";

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

/* XOR-MAPPED-ADDRESS: 203.0.113.7:40123. */
static const uint8_t answer_tail[] = {0x00, 0x20, 0x00, 0x08, 0x00, 0x01, 0xbd, 0xa9, 0xea, 0x12, 0xd5, 0x45};

static void
count_stray(void *context, const struct addr *from, const void *data, size_t length)
{
	(void)context;
	(void)data;
	(void)length;
	CHECK(addr_equal(from, &client));
	strays++;
}

static void
count_answer(void *context, struct probe *probe, const struct probe_result *result)
{
	struct addr expected = address(mapped_text);

	(void)context;
	(void)probe;
	CHECK(result->ok && addr_equal(&result->mapped, &expected));
	answers++;
}

static void
send_as_server(int server, const struct addr *to, const uint8_t *message, size_t length, int times)
{
	for (; times > 0; times--)
		CHECK(sendto(server, message, length, 0, &to->sa, addr_len(to)) == (ssize_t)length);
}

/* Whatever the socket has. */
static void
take_all(void)
{
	int i;

	for (i = 0; i < 200; i++)
		turn();
}

/* client is the server's address here, since anybody may send in its name. */
static void
test_no_answers(int supervisor)
{
	struct server server = {.name = "the server"};
	struct socket_answer no_error = {0};
	uint8_t message[STUN_REQUEST_SIZE + sizeof(answer_tail)] = {0};
	struct probe *probe;
	struct addr mapped;
	int fd, other;

	worker.mapping.protocol = PROTOCOL_UDP;
	worker.on_stray = count_stray;
	strays = 0;
	MUST((other = bind_to(SOCK_DGRAM, "127.0.0.1", 0, &client)) >= 0);
	server.addr = client;
	probe = probe_start(&worker, &server, count_answer, NULL);
	receive_wish(supervisor);
	MUST((fd = bind_to(SOCK_DGRAM, "127.0.0.1", 0, &mapped)) >= 0);
	send_as_server(other, &mapped, message, 0, 1); /* before the connect, and empty */
	MUST(message_send(supervisor, MESSAGE_SOCKET, &no_error, sizeof(no_error), fd) == 0);
	close(fd);
	WAIT_FOR(recv(other, message, sizeof(message), MSG_PEEK) == STUN_HEADER_SIZE);
	CHECK(strays == 1);
	send_as_server(other, &mapped, message, STUN_HEADER_SIZE, 10); /* its own request */
	message[0] = message[1] = 1;
	message[3] = sizeof(answer_tail);
	memcpy(message + STUN_HEADER_SIZE, answer_tail, sizeof(answer_tail));
	message[19] ^= 1;
	send_as_server(other, &mapped, message, STUN_HEADER_SIZE + sizeof(answer_tail), 10);
	take_all();
	CHECK(answers == 0 && strays == 21);
	message[19] ^= 1;
	send_as_server(other, &mapped, message, STUN_HEADER_SIZE + sizeof(answer_tail), 10);
	take_all();
	CHECK(answers == 1 && strays == 21);
	probe_again(probe);
	send_as_server(other, &mapped, message, STUN_HEADER_SIZE + sizeof(answer_tail), 10); /* late */
	take_all();
	CHECK(answers == 1 && strays == 21);
	probe_free(probe);
	close(other);
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
	test_no_answers(pair[1]);
	uplink_free(worker.uplink);
	close(pair[1]);
	close(pair[0]);
	loop_end();
	return check_done();
}
