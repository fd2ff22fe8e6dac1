/* SPDX-License-Identifier: ISC */
/*
 * Datagrams of many peers; see datagram.h.
 */
#include "datagram.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

/* The kernel's note of the address that a datagram was sent to, or our wish
 * where it is to be sent from. */
union control {
	struct cmsghdr align;
	char v4[CMSG_SPACE(sizeof(struct in_pktinfo))];
	char v6[CMSG_SPACE(sizeof(struct in6_pktinfo))];
};

struct datagram_batch {
	struct datagram datagrams[DATAGRAM_BATCH];
	struct mmsghdr messages[DATAGRAM_BATCH];
	struct iovec parts[DATAGRAM_BATCH];
	struct addr peers[DATAGRAM_BATCH];
	union control controls[DATAGRAM_BATCH];
	uint8_t data[DATAGRAM_BATCH][DATAGRAM_SIZE]; /* pages that were never used cost nothing */
};

static void
reset_message(struct datagram_batch *b, int i)
{
	struct msghdr *msg = &b->messages[i].msg_hdr;

	b->parts[i].iov_base = b->data[i];
	b->parts[i].iov_len = DATAGRAM_SIZE;
	msg->msg_iov = &b->parts[i];
	msg->msg_iovlen = 1;
	msg->msg_name = &b->peers[i];
	msg->msg_namelen = sizeof(b->peers[i]);
	msg->msg_control = &b->controls[i];
	msg->msg_controllen = sizeof(b->controls[i]);
}

struct datagram_batch *
datagram_batch_new(void)
{
	struct datagram_batch *b = calloc(1, sizeof(*b));
	int i;

	for (i = 0; b != NULL && i < DATAGRAM_BATCH; i++)
		reset_message(b, i);
	return b;
}

void
datagram_batch_free(struct datagram_batch *batch)
{
	free(batch);
}

int
datagram_ask_local(int fd)
{
	struct addr bound = addr_of_socket(fd);
	int on = 1;

	if (!addr_is_wildcard(&bound))
		return 0;
	if (bound.sa.sa_family == AF_INET6)
		return setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof(on));
	return setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof(on));
}

static struct addr
read_local(struct msghdr *msg)
{
	struct addr local = {0};
	struct in_pktinfo v4;
	struct in6_pktinfo v6;
	struct cmsghdr *c;

	for (c = CMSG_FIRSTHDR(msg); c != NULL; c = CMSG_NXTHDR(msg, c)) {
		if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
			memcpy(&v4, CMSG_DATA(c), sizeof(v4));
			local.v4.sin_family = AF_INET;
			local.v4.sin_addr = v4.ipi_spec_dst;
		} else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
			memcpy(&v6, CMSG_DATA(c), sizeof(v6));
			if (IN6_IS_ADDR_MULTICAST(&v6.ipi6_addr))
				continue; /* nobody can send from it */
			local.v6.sin6_family = AF_INET6;
			local.v6.sin6_addr = v6.ipi6_addr;
		}
	}
	return local;
}

int
datagram_receive(struct datagram_batch *batch, int fd)
{
	int n = recvmmsg(fd, batch->messages, DATAGRAM_BATCH, 0, NULL), i;
	struct datagram *d;

	for (i = 0; i < n; i++) {
		d = &batch->datagrams[i];
		/* An IP socket's peer always has an IP address. */
		(void)addr_from_sockaddr(&batch->peers[i].sa, &d->peer);
		d->local = read_local(&batch->messages[i].msg_hdr);
		d->data = batch->data[i];
		d->length = batch->messages[i].msg_len;
		reset_message(batch, i);
	}
	return n;
}

const struct datagram *
datagram_get(const struct datagram_batch *batch, int i)
{
	return &batch->datagrams[i];
}

static void
set_control(struct msghdr *msg, union control *control, int level, int type, const void *info, size_t length)
{
	struct cmsghdr *c = &control->align;

	memset(control, 0, sizeof(*control));
	c->cmsg_level = level;
	c->cmsg_type = type;
	c->cmsg_len = CMSG_LEN(length);
	memcpy(CMSG_DATA(c), info, length);
	msg->msg_control = control;
	msg->msg_controllen = CMSG_SPACE(length);
}

/* Without an interface index the kernel still chooses the way itself. */
static void
set_source(struct msghdr *msg, union control *control, const struct addr *local)
{
	struct in_pktinfo v4 = {0};
	struct in6_pktinfo v6 = {0};

	if (local->sa.sa_family == AF_INET6) {
		v6.ipi6_addr = local->v6.sin6_addr;
		set_control(msg, control, IPPROTO_IPV6, IPV6_PKTINFO, &v6, sizeof(v6));
	} else {
		v4.ipi_spec_dst = local->v4.sin_addr;
		set_control(msg, control, IPPROTO_IP, IP_PKTINFO, &v4, sizeof(v4));
	}
}

int
datagram_send(int fd, const struct addr *local, const struct addr *peer, const void *data, size_t length)
{
	struct iovec part = {.iov_base = (void *)(uintptr_t)data, .iov_len = length};
	struct msghdr msg = {
	    .msg_name = (void *)(uintptr_t)&peer->sa,
	    .msg_namelen = addr_len(peer),
	    .msg_iov = &part,
	    .msg_iovlen = 1,
	};
	union control control;

	if (addr_is_set(local))
		set_source(&msg, &control, local);
	return sendmsg(fd, &msg, 0) < 0 ? -1 : 0;
}
