/* SPDX-License-Identifier: ISC */
/*
 * Datagrams that wait to leave together.  Those of one length for one receiver
 * become one message, which the kernel or the network card takes apart again
 * (UDP_SEGMENT), until the path there refuses such a message: then they leave
 * singly, and longer ones are not tried there again.  Their order stays.
 */
#ifndef SENDQUEUE_H
#define SENDQUEUE_H

#include "datagram.h"

/* Where to; must stay until the queue is empty. */
struct sendqueue_path {
	const struct addr *peer;  /* NULL: the socket is connected */
	const struct addr *local; /* where from; unset: the kernel chooses */
	/* Of the segments that may leave as one; 0: none.  Becomes less when several are
	 * refused, and one alone is not. */
	uint16_t *longest;
};

struct sendqueue;

/* NULL without memory. */
struct sendqueue *sendqueue_new(void);
void sendqueue_free(struct sendqueue *queue);

/* The data is not copied.  At most DATAGRAM_BATCH datagrams, as a batch has them, may wait;
 * the receivers are many on an unconnected socket, or else the one. */
void sendqueue_add(struct sendqueue *queue, const struct sendqueue_path *to, const struct datagram *d);

/* Sends what waits, and adds to *bytes what was sent.  What cannot be sent at once is
 * dropped, as UDP does.  Returns 0, or an errno that says something of the receiver or
 * the way there: the datagram that met it and those behind it still wait then. */
int sendqueue_flush(struct sendqueue *queue, int fd, uint64_t *bytes);
/* Drops the message that waits first. */
void sendqueue_skip(struct sendqueue *queue);
/* Drops all that wait. */
void sendqueue_clear(struct sendqueue *queue);

/* Is the error one that a datagram may meet without any consequence but its loss? */
bool sendqueue_is_drop(int error);

#endif
