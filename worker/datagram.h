/* SPDX-License-Identifier: ISC */
/*
 * A datagram socket with many peers: what arrives is taken in batches, and what
 * is sent leaves from the address that the peer knows.
 */
#ifndef DATAGRAM_H
#define DATAGRAM_H

#include <stddef.h>
#include <stdint.h>

#include "addr.h"

/* More than the longest payload, 65,507 bytes over IPv4 and 65,527 over IPv6. */
#define DATAGRAM_SIZE 65536
#define DATAGRAM_BATCH 32

struct datagram {
	struct addr peer;
	struct addr local; /* the one of our addresses that it was sent to; unset: not told */
	const uint8_t *data;
	size_t length; /* 0 to 65,527: empty datagrams exist */
};

struct datagram_batch;

/* NULL without memory. */
struct datagram_batch *datagram_batch_new(void);
void datagram_batch_free(struct datagram_batch *batch);

/* Lets datagram_receive tell the local addresses of a socket that is bound to
 * all of them: no peer takes an answer from another than the one it spoke to.
 * Returns 0, or -1 with errno. */
int datagram_ask_local(int fd);

/* Takes at most DATAGRAM_BATCH datagrams from a non-blocking socket; they stay
 * until the next call.  Returns how many, or -1 with errno. */
int datagram_receive(struct datagram_batch *batch, int fd);
/* One of them; i must be below their number. */
const struct datagram *datagram_get(const struct datagram_batch *batch, int i);

/* Sends from local, or from the kernel's choice if it is unset.  Returns 0, or
 * -1 with errno. */
int datagram_send(int fd, const struct addr *local, const struct addr *peer, const void *data, size_t length);

#endif
