/* SPDX-License-Identifier: ISC */
/*
 * How several STUN servers see one port of this machine, and what kind of mapping
 * that makes (RFC 5780, 4.3).  No I/O.
 *
 * The rule: what two servers at different IP addresses agree on does not depend on
 * the destination, whatever a third one says.  Without such a pair it does depend, and
 * two ports of one server's alternate address tell on what.
 */
#ifndef NATVIEW_H
#define NATVIEW_H

#include "mapping.h"
#include "nat.h"

/* Servers whose alternate address and port are asked too. */
#define NATVIEW_GROUPS_MAX 4
#define NATVIEW_ASKS_MAX (SERVERS_MAX + 2 * NATVIEW_GROUPS_MAX)

enum natview_outcome {
	NATVIEW_ASKING,
	NATVIEW_ANSWERED,
	NATVIEW_FAILED,
};

struct natview_ask {
	struct addr server;
	enum natview_outcome outcome;
	struct addr mapped; /* if it answered: what it sees, and ... */
	struct addr local;  /* ... the address of this machine that it was asked from */
};

/* A server's alternate address: where its asks stand. */
struct natview_group {
	const struct natview_ask *other_ip; /* the alternate IP address, the server's own port */
	const struct natview_ask *other_ip_and_port;
};

struct natview {
	struct natview_ask asks[NATVIEW_ASKS_MAX];
	uint32_t ask_count;
	struct natview_group groups[NATVIEW_GROUPS_MAX];
	uint32_t group_count;
};

uint32_t natview_count(const struct natview *v, enum natview_outcome outcome);

/* The one of this server; NULL: it has not been asked. */
const struct natview_ask *natview_find(const struct natview *v, const struct addr *server);

/* An answer that a server at another IP address gave too; NULL: there is none. */
const struct natview_ask *natview_find_agreed(const struct natview *v);
/* That one, else the first answer; NULL: there is none. */
const struct natview_ask *natview_find_best(const struct natview *v);

/* Did a server at this IP address answer?  And at two different ones? */
bool natview_has_answered(const struct natview *v, const struct addr *ip);
bool natview_has_two_addresses(const struct natview *v);
/* Did both addresses of a group answer? */
bool natview_has_complete_group(const struct natview *v);

enum nat_mapping natview_judge(const struct natview *v);

#endif
