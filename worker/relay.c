/* SPDX-License-Identifier: ISC */
/*
 * The counters of a relay; see relay.h.
 */
#include "relay.h"

#include <errno.h>

#include "alloc.h"
#include "net.h"

/* What fewer leave behind is not worth a look at the whole heap. */
#define ENDED_MANY 64

void
relay_count_begin(struct relay_counters *c)
{
	c->connections++;
	c->connections_total++;
	if (c->on_connections != NULL)
		c->on_connections(c->context);
}

/* The heap keeps what is free between what is not, unless it is asked. */
void
relay_count_end(struct relay_counters *c)
{
	c->connections--;
	c->ended++;
	if (c->ended >= ENDED_MANY && c->ended >= c->connections) {
		c->ended = 0;
		alloc_give_back();
	}
	if (c->on_connections != NULL)
		c->on_connections(c->context);
}

void
relay_count_refusal(struct relay_counters *c, enum refusal refusal)
{
	c->refused[refusal]++;
	if (c->on_connections != NULL)
		c->on_connections(c->context);
}

void
relay_count_failure(struct relay_counters *c, int error)
{
	enum cause cause = CAUSE_TARGET_UNREACHABLE;

	if (error == ECONNREFUSED)
		cause = CAUSE_TARGET_REFUSED;
	else if (error == ETIMEDOUT)
		cause = CAUSE_TARGET_SILENT;
	else if (net_is_shortage(error))
		cause = CAUSE_NO_ROOM;
	if (c->on_failure != NULL)
		c->on_failure(c->context, cause);
}
