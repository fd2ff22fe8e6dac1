/* SPDX-License-Identifier: ISC */
/*
 * Records over a SOCK_SEQPACKET pair; see message.h.
 */
#include "message.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

/* Room for more descriptors than the one allowed, so that a sender of several
 * is noticed and none of them stays open here. */
#define FDS_MAX 8

union control {
	struct cmsghdr align;
	char buf[CMSG_SPACE(sizeof(int) * FDS_MAX)];
};

int
message_send(int sock, enum message_kind kind, const void *payload, size_t length, int fd)
{
	uint32_t head = kind;
	union control control;
	struct iovec parts[] = {
	    {.iov_base = &head, .iov_len = sizeof(head)},
	    {.iov_base = (void *)(uintptr_t)payload, .iov_len = length},
	};
	struct msghdr msg = {.msg_iov = parts, .msg_iovlen = 2};
	struct cmsghdr *c;
	ssize_t n;

	if (fd >= 0) {
		memset(&control, 0, sizeof(control));
		msg.msg_control = control.buf;
		msg.msg_controllen = CMSG_SPACE(sizeof(int));
		c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &fd, sizeof(int));
	}
	do
		n = sendmsg(sock, &msg, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -1 : 0;
}

/* Takes the one allowed descriptor; returns how many had been passed. */
static size_t
take_descriptors(struct msghdr *msg, int *fd)
{
	int fds[FDS_MAX];
	struct cmsghdr *c;
	size_t count = 0, n, i;

	*fd = -1;
	for (c = CMSG_FIRSTHDR(msg); c != NULL; c = CMSG_NXTHDR(msg, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		memcpy(fds, CMSG_DATA(c), n * sizeof(int));
		for (i = 0; i < n; i++, count++) {
			if (*fd < 0)
				*fd = fds[i];
			else
				close(fds[i]);
		}
	}
	return count;
}

static int
refuse(struct message *m)
{
	if (m->fd >= 0)
		close(m->fd);
	m->fd = -1;
	errno = EBADMSG;
	return -1;
}

int
message_receive(int sock, struct message *m)
{
	union control control;
	struct iovec parts[] = {
	    {.iov_base = &m->kind, .iov_len = sizeof(m->kind)},
	    {.iov_base = &m->mapping, .iov_len = sizeof(*m) - offsetof(struct message, mapping)},
	};
	struct msghdr msg = {
	    .msg_iov = parts,
	    .msg_iovlen = 2,
	    .msg_control = control.buf,
	    .msg_controllen = sizeof(control.buf),
	};
	size_t passed;
	ssize_t n;

	m->fd = -1;
	do
		n = recvmsg(sock, &msg, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -1;
	passed = take_descriptors(&msg, &m->fd);
	/* No descriptor was free for the one that was passed: that wish failed, and nothing else. */
	if ((msg.msg_flags & MSG_CTRUNC) != 0 && passed == 0 && n > (ssize_t)sizeof(m->kind) &&
	    m->kind == MESSAGE_SOCKET) {
		m->socket_answer.error = EMFILE;
		msg.msg_flags &= ~MSG_CTRUNC;
	}
	if (n == 0 && passed == 0)
		return 0;
	if ((size_t)n < sizeof(m->kind) || passed > 1 || (msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0)
		return refuse(m);
	m->length = (size_t)n - sizeof(m->kind);
	return 1;
}
