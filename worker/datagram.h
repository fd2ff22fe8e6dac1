/* SPDX-License-Identifier: ISC */
/*
 * Datagrams as they arrive, in batches, and how a message is addressed so that
 * it leaves from the address that its receiver knows.
 *
 * Several datagrams of one peer may arrive as one, back to back, if the socket
 * asked for that (UDP_GRO): all but the last have the same length, which is told,
 * and leave again as one in the same way (UDP_SEGMENT).
 */
#ifndef DATAGRAM_H
#define DATAGRAM_H

#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "addr.h"

/* More than the longest payload, 65,507 bytes over IPv4 and 65,527 over IPv6. */
#define DATAGRAM_SIZE 65536
#define DATAGRAM_BATCH 64
/* Of those that leave as one, for every kernel that can do it: how many, and their bytes.
 * Before 5.16 the kernel's limit of 64 counts the bytes of the message's headers, too: so
 * there is room for these, unless the segments are tiny. */
#define DATAGRAM_SEGMENTS 60
#define DATAGRAM_SEGMENTS_SIZE 65507

struct datagram {
	struct addr peer;
	struct addr local; /* the one of our addresses that it was sent to; unset: not told */
	const uint8_t *data;
	size_t length;  /* 0 to 65,527: empty datagrams exist */
	size_t segment; /* the length of each if these are several, else that of this one */
};

struct datagram_batch;

/* It gives its memory back by itself when little of it was used for a while.  NULL without
 * memory. */
struct datagram_batch *datagram_batch_new(struct event_base *base);
void datagram_batch_free(struct datagram_batch *batch);

/* Lets datagram_receive tell the local addresses of a socket that is bound to
 * all of them: no peer takes an answer from another than the one it spoke to.
 * Returns 0, or -1 with errno. */
int datagram_ask_local(int fd);

/* Lets several datagrams arrive as one, where the kernel can do that. */
void datagram_ask_segments(int fd);
/* Can this kernel send several as one?  Others would take them for a long one. */
bool datagram_can_segment(int fd);

/* Takes at most DATAGRAM_BATCH datagrams from a non-blocking socket; they stay
 * until the next call.  Returns how many, or -1 with errno. */
int datagram_receive(struct datagram_batch *batch, int fd);
/* The same from a connected socket, whose peer is not told, behind the first ones, which
 * stay: as many as there is room for. */
int datagram_receive_at(struct datagram_batch *batch, int fd, int first);
/* The same for one datagram, which costs less; not if several may arrive as one. */
int datagram_receive_one(struct datagram_batch *batch, int fd, int first);
/* One of them; i must be below their number. */
const struct datagram *datagram_get(const struct datagram_batch *batch, int i);

/* What the kernel is told of a message besides its data: room for the local address
 * and for the length of segments. */
union datagram_control {
	struct cmsghdr align;
	char room[CMSG_SPACE(sizeof(struct in6_pktinfo)) + CMSG_SPACE(sizeof(int))];
};

/* Addresses a message that has no name and no control data yet: from local, or from the
 * kernel's choice if that is unset. */
void datagram_address(struct msghdr *msg, union datagram_control *control, const struct addr *local,
    const struct addr *peer);
/* After that, if at all: the message is several datagrams of this length, the last one
 * may be shorter. */
void datagram_set_segment(struct msghdr *msg, union datagram_control *control, uint16_t segment);

/* Sends from local, or from the kernel's choice if it is unset.  Returns 0, or
 * -1 with errno. */
int datagram_send(int fd, const struct addr *local, const struct addr *peer, const void *data, size_t length);

#endif
