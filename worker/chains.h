/* SPDX-License-Identifier: ISC */
/*
 * Which datagrams of a batch are whose: those of one session are chained in their
 * order, so that they can leave together.
 */
#ifndef CHAINS_H
#define CHAINS_H

#include "datagram.h"
#include "udp_sessions.h"

/* Behind the last one of a chain. */
#define CHAINS_END DATAGRAM_BATCH

struct chain {
	struct udp_session *session; /* NULL: it has ended, and nobody wants them any more */
	int first;                   /* number in the batch */
	int last;
};

/* Zero-filled it is empty; count = 0 empties it, once no session says that it has a chain. */
struct chains {
	int count;
	struct chain all[DATAGRAM_BATCH]; /* at most one of each session */
	int next[DATAGRAM_BATCH];
};

/* Number i of the batch is of s. */
void chains_append(struct chains *c, struct udp_session *s, int i);

/* The session has no chain any more: it ends, or its chain is taken out. */
void chains_release(struct chains *c, struct udp_session *s);

#endif
