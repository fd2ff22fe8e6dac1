/* SPDX-License-Identifier: ISC */
/*
 * Records over the socket pair: as they were sent or refused, and no passed
 * descriptor is ever lost.
 */
#include "message.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "check.h"

static int up, down; /* the two ends */
static struct message got;

static void
open_pair(void)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) < 0)
		abort();
	up = ends[0];
	down = ends[1];
}

static void
close_pair(void)
{
	close(up);
	close(down);
}

/* How many descriptors this process has open. */
static int
count_open(void)
{
	int fd, n = 0;

	for (fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static void
send_raw(const void *data, size_t length, const int *fds, size_t count)
{
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(sizeof(int) * 16)];
	} control = {0};
	struct iovec part = {.iov_base = (void *)(uintptr_t)data, .iov_len = length};
	struct msghdr msg = {.msg_iov = &part, .msg_iovlen = 1};
	struct cmsghdr *c;

	if (count > 0) {
		msg.msg_control = control.buf;
		msg.msg_controllen = CMSG_SPACE(sizeof(int) * count);
		c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int) * count);
		memcpy(CMSG_DATA(c), fds, sizeof(int) * count);
	}
	CHECK(sendmsg(up, &msg, 0) == (ssize_t)length);
}

static void
check_refused(void)
{
	errno = 0;
	CHECK(message_receive(down, &got) == -1 && errno == EBADMSG);
	CHECK(got.fd == -1);
}

static void
test_round_trip(void)
{
	struct report r;
	struct mapping m;

	memset(&r, 0, sizeof(r));
	r.state = STATE_BACKOFF;
	r.bytes_in = 1234567890123;
	strcpy(r.error, "why");
	CHECK(message_send(up, MESSAGE_REPORT, &r, sizeof(r), -1) == 0);
	memset(&m, 0, sizeof(m));
	strcpy(m.name, "web");
	CHECK(addr_parse("192.168.1.5:80", 0, &m.target) == 0);
	CHECK(message_send(up, MESSAGE_MAPPING, &m, sizeof(m), -1) == 0);
	CHECK(message_send(up, MESSAGE_AGAIN, NULL, 0, -1) == 0);

	CHECK(message_receive(down, &got) == 1);
	CHECK(got.kind == MESSAGE_REPORT && got.length == sizeof(r) && got.fd == -1);
	CHECK(memcmp(&got.report, &r, sizeof(r)) == 0);
	CHECK(message_receive(down, &got) == 1);
	CHECK(got.kind == MESSAGE_MAPPING && got.length == sizeof(m));
	CHECK(memcmp(&got.mapping, &m, sizeof(m)) == 0);
	CHECK(message_receive(down, &got) == 1);
	CHECK(got.kind == MESSAGE_AGAIN && got.length == 0);
	errno = 0;
	CHECK(message_receive(down, &got) == -1 && errno == EAGAIN);
}

static void
test_largest(void)
{
	static struct servers s;

	memset(&s, 0, sizeof(s));
	s.stun_count = SERVERS_MAX;
	strcpy(s.keep_alive[SERVERS_MAX - 1].name, "last");
	CHECK(message_send(up, MESSAGE_SERVERS, &s, sizeof(s), -1) == 0);
	CHECK(message_receive(down, &got) == 1);
	CHECK(got.length == sizeof(s) && memcmp(&got.servers, &s, sizeof(s)) == 0);
}

/* A log line travels only up to its end. */
static void
test_short_payload(void)
{
	struct log_record line = {.level = 1, .text = "web: hello"};
	size_t length = offsetof(struct log_record, text) + strlen(line.text) + 1;

	CHECK(message_send(up, MESSAGE_LOG, &line, length, -1) == 0);
	CHECK(message_receive(down, &got) == 1);
	CHECK(got.kind == MESSAGE_LOG && got.length == length);
	CHECK_TEXT(got.log.text, "web: hello");
}

static void
test_descriptor(void)
{
	struct socket_answer answer = {.error = 0};
	struct stat sent = {0}, received = {0};
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC), before = count_open();

	CHECK(message_send(up, MESSAGE_SOCKET, &answer, sizeof(answer), fd) == 0);
	CHECK(message_receive(down, &got) == 1);
	CHECK(got.kind == MESSAGE_SOCKET && got.length == sizeof(answer));
	CHECK(got.fd >= 0 && got.fd != fd);
	CHECK((fcntl(got.fd, F_GETFD) & FD_CLOEXEC) != 0);
	CHECK(fstat(fd, &sent) == 0 && fstat(got.fd, &received) == 0);
	CHECK(sent.st_rdev == received.st_rdev);
	close(got.fd);
	CHECK(count_open() == before);
	/* the next one carries none, and says so */
	CHECK(message_send(up, MESSAGE_AGAIN, NULL, 0, -1) == 0);
	CHECK(message_receive(down, &got) == 1 && got.fd == -1);
	close(fd);
}

/* What a taken-over worker may try: nothing of it stays open here. */
static void
test_many_descriptors(void)
{
	uint32_t kind = MESSAGE_SOCKET;
	int fds[16] = {0}, before = count_open();
	size_t count;

	for (count = 2; count <= 16; count++) {
		send_raw(&kind, sizeof(kind), fds, count);
		check_refused();
		CHECK(count_open() == before);
	}
}

static void
test_wrong_length(void)
{
	static char big[sizeof(struct message) + 100];
	int zero = 0, before = count_open();

	send_raw("abc", 3, NULL, 0);
	check_refused();
	send_raw("a", 1, &zero, 1);
	check_refused();
	send_raw(big, sizeof(big), &zero, 1);
	check_refused();
	CHECK(count_open() == before);
	/* the next record is whole again */
	CHECK(message_send(up, MESSAGE_AGAIN, NULL, 0, -1) == 0);
	CHECK(message_receive(down, &got) == 1 && got.kind == MESSAGE_AGAIN);
}

/* A peer that does not read costs no waiting. */
static void
test_full(void)
{
	struct report r;
	int sent = 0, received = 0;

	memset(&r, 0, sizeof(r));
	while (sent < 100000 && message_send(up, MESSAGE_REPORT, &r, sizeof(r), -1) == 0)
		sent++;
	CHECK(errno == EAGAIN && sent > 0 && sent < 100000);
	while (message_receive(down, &got) == 1)
		received++;
	CHECK(received == sent);
	CHECK(message_send(up, MESSAGE_REPORT, &r, sizeof(r), -1) == 0);
	CHECK(message_receive(down, &got) == 1);
}

/* The last record is still read, then the end; no signal ends the sender. */
static void
test_end(void)
{
	CHECK(message_send(up, MESSAGE_AGAIN, NULL, 0, -1) == 0);
	close(up);
	up = -1;
	CHECK(message_receive(down, &got) == 1 && got.kind == MESSAGE_AGAIN);
	CHECK(message_receive(down, &got) == 0);
	CHECK(message_receive(down, &got) == 0 && got.fd == -1);
	errno = 0;
	CHECK(message_send(down, MESSAGE_AGAIN, NULL, 0, -1) == -1 && errno == EPIPE);
}

int
main(void)
{
	static void (*const tests[])(void) = {test_round_trip, test_largest, test_short_payload, test_descriptor,
	    test_many_descriptors, test_wrong_length, test_full, test_end};
	size_t i;

	for (i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
		open_pair();
		tests[i]();
		close_pair();
	}
	return check_done();
}
