/* SPDX-License-Identifier: ISC */
/*
 * stall.c: nobody who passes descriptors holds natterd up.
 * NEEDS: supervisor/stall worker/net
 */
#include "stall.h"

#include <poll.h>
#include <string.h>

#include "loop.h"

#define SOCKETS 4

static int listener;
static struct addr server;

/* A connection that has more to send than the other side will ever take, and waits for that at its end. */
static int
make_lingering(int *peer)
{
	struct linger long_time = {.l_onoff = 1, .l_linger = 300};
	struct pollfd p = {.fd = listener, .events = POLLIN};
	static char much[1 << 20];
	int fd = connect_to(SOCK_STREAM, &server);

	MUST(poll(&p, 1, 1000) == 1 && (*peer = accept(listener, NULL, NULL)) >= 0);
	while (send(fd, much, sizeof(much), MSG_DONTWAIT) > 0)
		;
	MUST(setsockopt(fd, SOL_SOCKET, SO_LINGER, &long_time, sizeof(long_time)) == 0);
	return fd;
}

/* Sends them along with a byte, and forgets them.  Returns false if the other end does not have it. */
static bool
pass(int sock, const int fds[SOCKETS])
{
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(sizeof(int) * SOCKETS)];
	} control = {0};
	char byte = 'x';
	struct iovec part = {&byte, 1};
	struct msghdr msg = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control.buf,
	    .msg_controllen = sizeof(control.buf)};
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
	bool passed;
	int i;

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int) * SOCKETS);
	memcpy(CMSG_DATA(c), fds, sizeof(int) * SOCKETS);
	passed = sendmsg(sock, &msg, 0) == 1;
	for (i = 0; i < SOCKETS; i++)
		close(fds[i]);
	return passed;
}

static void
make_all(int fds[SOCKETS], int peers[SOCKETS])
{
	int i;

	for (i = 0; i < SOCKETS; i++)
		fds[i] = make_lingering(&peers[i]);
}

static void
close_all(const int fds[SOCKETS])
{
	int i;

	for (i = 0; i < SOCKETS; i++)
		close(fds[i]);
}

/* A receive drops them, and so does the end of a socket in which they still lie. */
static void
test_passed(bool receive)
{
	int pair[2], fds[SOCKETS], peers[SOCKETS];
	double began;
	char byte;

	MUST(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) == 0);
	make_all(fds, peers);
	MUST(pass(pair[1], fds));
	began = net_now();
	if (receive) {
		stall_begin();
		CHECK(recv(pair[0], &byte, 1, 0) == 1 && byte == 'x');
		stall_end();
	}
	stall_close(pair[0]);
	CHECK(net_now() - began < 2);
	close(pair[1]);
	close_all(peers);
}

static void
test_own_end(void)
{
	int peer, fd = make_lingering(&peer);
	double began = net_now();

	stall_close(fd);
	CHECK(net_now() - began < 2);
	close(peer);
}

/* A kernel that cannot refuse them delivers them. */
static void
test_refusal(void)
{
	int pair[2], fds[SOCKETS], i, flag = 0;
	socklen_t length = sizeof(flag);

	MUST(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) == 0);
	for (i = 0; i < SOCKETS; i++)
		MUST((fds[i] = dup(pair[1])) >= 0);
	stall_refuse_descriptors(pair[0]);
	if (getsockopt(pair[0], SOL_SOCKET, 83, &flag, &length) < 0)
		close_all(fds);
	else
		CHECK(!pass(pair[1], fds) && errno == EPERM);
	close(pair[0]);
	close(pair[1]);
}

int
main(void)
{
	int before;

	loop_start();
	before = count_open();
	MUST((listener = bind_to(SOCK_STREAM, "127.0.0.1", 0, &server)) >= 0 && listen(listener, 16) == 0);
	test_own_end();
	test_passed(true);
	test_passed(false);
	test_refusal();
	close(listener);
	CHECK(count_open() == before);
	loop_end();
	return check_done();
}
