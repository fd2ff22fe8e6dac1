/* SPDX-License-Identifier: ISC */
/*
 * Datagrams of many peers; see datagram.h.
 */
#include "datagram.h"

#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

#include "buffer.h"

/* What a slow flow touches is not worth a timer. */
#define SMALL_BATCH 8
#define SMALL_SIZE 4096

struct datagram_batch {
	struct datagram datagrams[DATAGRAM_BATCH];
	struct mmsghdr messages[DATAGRAM_BATCH];
	struct iovec parts[DATAGRAM_BATCH];
	struct addr peers[DATAGRAM_BATCH];
	union datagram_control controls[DATAGRAM_BATCH];
	struct buffer buffer; /* DATAGRAM_BATCH times DATAGRAM_SIZE */
};

static void
reset_message(struct datagram_batch *b, int i)
{
	struct msghdr *msg = &b->messages[i].msg_hdr;

	msg->msg_namelen = sizeof(b->peers[i]);
	msg->msg_control = &b->controls[i];
	msg->msg_controllen = sizeof(b->controls[i]);
}

static void
init_message(struct datagram_batch *b, int i)
{
	struct msghdr *msg = &b->messages[i].msg_hdr;

	b->datagrams[i].data = b->buffer.data + (size_t)i * DATAGRAM_SIZE;
	b->parts[i].iov_base = b->buffer.data + (size_t)i * DATAGRAM_SIZE;
	b->parts[i].iov_len = DATAGRAM_SIZE;
	msg->msg_iov = &b->parts[i];
	msg->msg_iovlen = 1;
	msg->msg_name = &b->peers[i];
	reset_message(b, i);
}

struct datagram_batch *
datagram_batch_new(struct event_base *base)
{
	struct datagram_batch *b = calloc(1, sizeof(*b));
	int i;

	if (b == NULL)
		return NULL;
	if (buffer_init(&b->buffer, base, (size_t)DATAGRAM_BATCH * DATAGRAM_SIZE) < 0) {
		datagram_batch_free(b);
		return NULL;
	}
	for (i = 0; i < DATAGRAM_BATCH; i++)
		init_message(b, i);
	return b;
}

void
datagram_batch_free(struct datagram_batch *batch)
{
	if (batch == NULL)
		return;
	buffer_free(&batch->buffer);
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

void
datagram_ask_segments(int fd)
{
	int on = 1;

	(void)setsockopt(fd, IPPROTO_UDP, UDP_GRO, &on, sizeof(on));
}

bool
datagram_can_segment(int fd)
{
	int segment;
	socklen_t length = sizeof(segment);

	return getsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, &segment, &length) == 0;
}

static void
read_local(struct addr *local, const struct cmsghdr *c)
{
	struct in_pktinfo v4;
	struct in6_pktinfo v6;

	if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
		memcpy(&v4, CMSG_DATA(c), sizeof(v4));
		local->v4.sin_family = AF_INET;
		local->v4.sin_addr = v4.ipi_spec_dst;
	} else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
		memcpy(&v6, CMSG_DATA(c), sizeof(v6));
		if (IN6_IS_ADDR_MULTICAST(&v6.ipi6_addr))
			return; /* nobody can send from it */
		local->v6.sin6_family = AF_INET6;
		local->v6.sin6_addr = v6.ipi6_addr;
	}
}

static void
read_control(struct datagram *d, struct msghdr *msg)
{
	struct cmsghdr *c;
	int segment;

	for (c = CMSG_FIRSTHDR(msg); c != NULL; c = CMSG_NXTHDR(msg, c)) {
		if (c->cmsg_level == IPPROTO_UDP && c->cmsg_type == UDP_GRO) {
			memcpy(&segment, CMSG_DATA(c), sizeof(segment));
			/* One alone may be announced like that, too. */
			if (segment > 0 && (size_t)segment < d->length)
				d->segment = (size_t)segment;
		} else {
			read_local(&d->local, c);
		}
	}
}

int
datagram_receive_at(struct datagram_batch *batch, int fd, int first)
{
	int n = recvmmsg(fd, &batch->messages[first], (unsigned int)(DATAGRAM_BATCH - first), 0, NULL), i;
	bool large = first + n > SMALL_BATCH;
	struct datagram *d;

	for (i = first; i < first + n; i++) {
		d = &batch->datagrams[i];
		d->length = d->segment = batch->messages[i].msg_len;
		large = large || d->length > SMALL_SIZE;
		memset(&d->local, 0, sizeof(d->local));
		if (batch->messages[i].msg_hdr.msg_controllen > 0)
			read_control(d, &batch->messages[i].msg_hdr);
		reset_message(batch, i);
	}
	if (n > 0 && large)
		buffer_note_use(&batch->buffer);
	return n;
}

int
datagram_receive_one(struct datagram_batch *batch, int fd, int first)
{
	ssize_t n = recv(fd, batch->parts[first].iov_base, DATAGRAM_SIZE, 0);

	if (n < 0)
		return -1;
	batch->datagrams[first].length = batch->datagrams[first].segment = (size_t)n;
	if (first >= SMALL_BATCH || n > SMALL_SIZE)
		buffer_note_use(&batch->buffer);
	return 1;
}

int
datagram_receive(struct datagram_batch *batch, int fd)
{
	int n = datagram_receive_at(batch, fd, 0), i;

	/* An IP socket's peer always has an IP address. */
	for (i = 0; i < n; i++)
		(void)addr_from_sockaddr(&batch->peers[i].sa, &batch->datagrams[i].peer);
	return n;
}

const struct datagram *
datagram_get(const struct datagram_batch *batch, int i)
{
	return &batch->datagrams[i];
}

/* Behind what is there. */
static void
add_control(struct msghdr *msg, union datagram_control *control, int level, int type, const void *info, size_t length)
{
	struct cmsghdr *c = (struct cmsghdr *)(void *)(control->room + msg->msg_controllen);

	memset(c, 0, CMSG_SPACE(length));
	c->cmsg_level = level;
	c->cmsg_type = type;
	c->cmsg_len = CMSG_LEN(length);
	memcpy(CMSG_DATA(c), info, length);
	msg->msg_control = control;
	msg->msg_controllen += CMSG_SPACE(length);
}

/* Without an interface index the kernel still chooses the way itself. */
void
datagram_address(struct msghdr *msg, union datagram_control *control, const struct addr *local, const struct addr *peer)
{
	struct in_pktinfo v4 = {0};
	struct in6_pktinfo v6 = {0};

	msg->msg_name = (void *)(uintptr_t)&peer->sa;
	msg->msg_namelen = addr_len(peer);
	if (local->sa.sa_family == AF_INET6) {
		v6.ipi6_addr = local->v6.sin6_addr;
		add_control(msg, control, IPPROTO_IPV6, IPV6_PKTINFO, &v6, sizeof(v6));
	} else if (local->sa.sa_family == AF_INET) {
		v4.ipi_spec_dst = local->v4.sin_addr;
		add_control(msg, control, IPPROTO_IP, IP_PKTINFO, &v4, sizeof(v4));
	}
}

void
datagram_set_segment(struct msghdr *msg, union datagram_control *control, uint16_t segment)
{
	add_control(msg, control, IPPROTO_UDP, UDP_SEGMENT, &segment, sizeof(segment));
}

int
datagram_send(int fd, const struct addr *local, const struct addr *peer, const void *data, size_t length)
{
	struct iovec part = {.iov_base = (void *)(uintptr_t)data, .iov_len = length};
	struct msghdr msg = {.msg_iov = &part, .msg_iovlen = 1};
	union datagram_control control;

	datagram_address(&msg, &control, local, peer);
	return sendmsg(fd, &msg, 0) < 0 ? -1 : 0;
}
