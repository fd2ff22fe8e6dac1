/* SPDX-License-Identifier: ISC */
/*
 * The queue of datagrams that leave together: what an error says of sending
 * several as one, and what it does not.
 * NEEDS: worker/sendqueue worker/datagram worker/buffer worker/net
 */
#include "sendqueue.h"

#include <netinet/udp.h>

#include "datagram.h"
#include "loop.h"

#define SEGMENT 1000
#define SEGMENTS 20

static const uint8_t data[SEGMENTS * SEGMENT];

/* Sends one message of several datagrams; returns the error. */
static int
send_several(int fd, const struct addr *local, const struct addr *peer, uint16_t *longest)
{
	struct sendqueue *queue = sendqueue_new();
	struct sendqueue_path to = {peer, local, longest};
	struct datagram d = {.data = data, .length = sizeof(data), .segment = SEGMENT};
	uint64_t bytes = 0;
	int error;

	MUST(queue != NULL);
	sendqueue_add(queue, &to, &d);
	error = sendqueue_flush(queue, fd, &bytes);
	CHECK(bytes == (error == 0 ? sizeof(data) : 0));
	sendqueue_free(queue);
	return error;
}

static int
count_received(int fd)
{
	uint8_t buf[SEGMENT + 1];
	int n = 0;

	while (recv(fd, buf, sizeof(buf), 0) == SEGMENT)
		n++;
	return n;
}

/* A socket without checksums cannot send several as one, but each alone. */
static void
test_refused_as_one(void)
{
	struct addr own, peer, any = {0};
	int from, to, on = 1;
	uint16_t longest = UINT16_MAX;

	MUST((from = bind_to(SOCK_DGRAM, "127.0.0.1", 0, &own)) >= 0);
	MUST((to = bind_to(SOCK_DGRAM, "127.0.0.1", 0, &peer)) >= 0);
	CHECK(send_several(from, &any, &peer, &longest) == 0);
	CHECK(count_received(to) == SEGMENTS && longest == UINT16_MAX);
	MUST(setsockopt(from, SOL_SOCKET, SO_NO_CHECK, &on, sizeof(on)) == 0);
	CHECK(send_several(from, &any, &peer, &longest) == 0);
	CHECK(count_received(to) == SEGMENTS && longest == SEGMENT - 1);
	close(from);
	close(to);
}

/* The same errno where one alone cannot be sent either, here for the want of a port, in
 * the field when the address that they are to come from has gone for a while. */
static void
test_refused_at_all(void)
{
	struct addr own, peer = address("127.0.0.1"), any = {0};
	uint16_t longest = UINT16_MAX;
	int fd;

	MUST((fd = bind_to(SOCK_DGRAM, "127.0.0.1", 0, &own)) >= 0);
	addr_set_port(&peer, 0);
	CHECK(send_several(fd, &any, &peer, &longest) == EINVAL);
	CHECK(longest == UINT16_MAX);
	close(fd);
}

static void
test_address_gone(void)
{
	struct addr own, peer, gone = address("2001:db8::1");
	uint16_t longest = UINT16_MAX;
	int from, to;

	to = bind_to(SOCK_DGRAM, "::1", 0, &peer);
	from = bind_to(SOCK_DGRAM, "::", 0, &own);
	if (from < 0 || to < 0) {
		printf("skipped, no IPv6 here\n");
		return;
	}
	CHECK(send_several(from, &gone, &peer, &longest) == EINVAL);
	CHECK(longest == UINT16_MAX);
	CHECK(send_several(from, &own, &peer, &longest) == 0);
	CHECK(count_received(to) == SEGMENTS && longest == UINT16_MAX);
	close(from);
	close(to);
}

/* Kernels before 5.16 refuse a message that is longer than 64 segments together with
 * its headers.  Returns whether they would take the one that is received. */
static bool
is_for_every_kernel(int fd, size_t *bytes)
{
	static uint8_t buf[65536];
	struct iovec part = {.iov_base = buf, .iov_len = sizeof(buf)};
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control;
	struct msghdr msg = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)};
	ssize_t n = recvmsg(fd, &msg, 0);
	int segment;

	MUST(n > 0 && CMSG_FIRSTHDR(&msg) != NULL && control.header.cmsg_type == UDP_GRO);
	memcpy(&segment, CMSG_DATA(&control.header), sizeof(segment));
	*bytes += (size_t)n;
	return n + 40 + 8 <= (ssize_t)segment * 64;
}

/* As many as may wait, of that length, which came singly or as one. */
static void
test_for_every_kernel(size_t length, int count)
{
	struct sendqueue *queue = sendqueue_new();
	struct addr own, peer, any = {0};
	uint16_t longest = UINT16_MAX;
	struct sendqueue_path to = {&peer, &any, &longest};
	struct datagram d = {.data = data, .length = length * 64 / (size_t)count, .segment = length};
	uint64_t sent = 0;
	size_t received = 0;
	int from, fd, i;

	MUST((from = bind_to(SOCK_DGRAM, "127.0.0.1", 0, &own)) >= 0);
	MUST((fd = bind_to(SOCK_DGRAM, "127.0.0.1", 0, &peer)) >= 0);
	datagram_ask_segments(fd);
	for (i = 0; i < count; i++)
		sendqueue_add(queue, &to, &d);
	CHECK(sendqueue_flush(queue, from, &sent) == 0 && sent == length * 64);
	while (received < sent)
		CHECK(is_for_every_kernel(fd, &received));
	CHECK(received == sent);
	sendqueue_free(queue);
	close(from);
	close(fd);
}

int
main(void)
{
	int before = count_open();

	loop_start();
	test_refused_as_one();
	test_refused_at_all();
	test_address_gone();
	test_for_every_kernel(12, 64);
	test_for_every_kernel(12, 1);
	test_for_every_kernel(300, 64);
	test_for_every_kernel(300, 1);
	loop_end();
	CHECK(count_open() == before);
	return check_done();
}
