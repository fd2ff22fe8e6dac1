/* SPDX-License-Identifier: ISC */
/*
 * Why something failed, as far as an operator can act on it: what failures are counted by.
 * The sentence that explains the last one is the report's error.  And why a client got no connection or session
 * although nothing failed.
 */
#ifndef CAUSE_H
#define CAUSE_H

enum cause {
	CAUSE_NO_NETWORK,             /* this machine knows no way to a server */
	CAUSE_NAMES_UNRESOLVED,       /* no name of a STUN server can be resolved */
	CAUSE_PORT_UNAVAILABLE,       /* no socket on the mapped port */
	CAUSE_KEEP_ALIVE_UNREACHABLE, /* no connection to a keep-alive server */
	CAUSE_KEEP_ALIVE_LOST,        /* one was reset, or not heard any more; a server's orderly close is none */
	CAUSE_KEEP_ALIVE_UNUSABLE,    /* what the server answers is not HTTP */
	CAUSE_STUN_SILENT,            /* no answer */
	CAUSE_STUN_UNUSABLE,          /* refused, broken off, or an answer without a usable address */
	CAUSE_STUN_DISAGREE,          /* servers saw different addresses, and it was not settled */
	CAUSE_NAT_SYMMETRIC,          /* the same, and each stays with it */
	CAUSE_ADDRESS_MISMATCH,       /* the ways to the servers begin at different addresses of this machine */
	CAUSE_TARGET_REFUSED,         /* a client's connection or datagram */
	CAUSE_TARGET_SILENT,
	CAUSE_TARGET_UNREACHABLE,
	CAUSE_NO_ROOM,                /* no descriptors or no memory for another client */
	CAUSE_WORKER_DIED,            /* unasked, or it could not be started */
	CAUSE_COUNT
};

/* "no_network", ...; c must be below CAUSE_COUNT. */
const char *cause_name(enum cause c);

enum refusal {
	REFUSAL_DENIED,       /* the mapping's networks do not let the client in; of UDP it is a datagram that was dropped */
	REFUSAL_LIMIT,        /* there are as many connections or sessions as there may be; likewise */
	REFUSAL_CLIENT_LIMIT, /* the client has as many as one may have; likewise */
	REFUSAL_REPLACED,     /* a UDP session that made room for another one */
	REFUSAL_COUNT
};

/* "denied", ...; r must be below REFUSAL_COUNT. */
const char *refusal_name(enum refusal r);

#endif
