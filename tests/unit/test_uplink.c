/* SPDX-License-Identifier: ISC */
/*
 * A worker's wishes for sockets (uplink.h), with a supervisor that this test is.
 *
 * NEEDS: worker/uplink worker/net
 */
#include "uplink.h"

#include "loop.h"

static struct {
	int fd;  /* the supervisor's end */
	int its; /* the worker's */
	struct uplink *uplink;
	int answers[2]; /* that came for either of two who wish */
} u;

static void
count_answer(void *context, int fd, int error)
{
	CHECK(fd >= 0 && error == 0);
	close(fd);
	(*(int *)context)++;
}

static void
begin(void)
{
	int pair[2];

	MUST(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) == 0);
	memset(u.answers, 0, sizeof(u.answers));
	u.fd = pair[0];
	u.its = pair[1];
	u.uplink = uplink_new(t.base, u.its);
}

static void
end(void)
{
	uplink_free(u.uplink);
	close(u.its);
	close(u.fd);
}

static struct socket_wish *
ask(int who, const char *to)
{
	struct addr addr = address(to);

	return uplink_ask_socket(u.uplink, SOCKET_CONNECT, &addr, count_answer, &u.answers[who]);
}

/* Answers one wish; false if there is none, and if it is not for this address. */
static bool
answer(const char *to)
{
	struct socket_answer answer = {0};
	struct addr addr = address(to);
	struct message m;
	int fd;

	if (message_receive(u.fd, &m) != 1)
		return false;
	MUST(m.kind == MESSAGE_SOCKET && (fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) >= 0);
	MUST(message_send(u.fd, MESSAGE_SOCKET, &answer, sizeof(answer), fd) == 0);
	close(fd);
	return addr_equal(&m.socket_request.to, &addr);
}

/* There can be only one connection between two addresses. */
static void
test_asked_again(void)
{
	begin();
	uplink_forget_socket(ask(0, "192.0.2.1:3478"));
	ask(1, "192.0.2.1:3478");
	CHECK(answer("192.0.2.1:3478"));
	CHECK(!answer("192.0.2.1:3478"));
	WAIT_FOR(u.answers[1] == 1);
	CHECK(u.answers[0] == 0);
	end();
}

static void
test_others_asked(void)
{
	begin();
	uplink_forget_socket(ask(0, "192.0.2.1:3478"));
	ask(1, "192.0.2.1:3479");
	ask(1, "192.0.2.1:3479");
	CHECK(answer("192.0.2.1:3478"));
	CHECK(answer("192.0.2.1:3479"));
	CHECK(answer("192.0.2.1:3479"));
	WAIT_FOR(u.answers[1] == 2);
	CHECK(u.answers[0] == 0);
	end();
}

int
main(void)
{
	t.base = event_base_new();
	MUST(t.base != NULL);
	test_asked_again();
	test_others_asked();
	event_base_free(t.base);
	return check_done();
}
