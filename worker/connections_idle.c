/* SPDX-License-Identifier: ISC */
/*
 * Connections on which nothing moves; see connections.h.
 */
#include "connections_state.h"
#include "log.h"
#include "net.h"

/* A slow reader takes what the kernel holds for it, of which no event tells before there is room for
 * a good deal more. */
static bool
has_moved(struct connection *c)
{
	uint32_t before = c->undelivered;

	c->undelivered = net_undelivered(c->client.side.fd) + net_undelivered(c->target.side.fd);
	return c->undelivered != before;
}

void
connections_on_idle(void *context, struct expiry_item *item)
{
	struct connection *c = CONNECTION_OF(item, deadline);
	char from[ADDR_TEXT_SIZE];

	(void)context;
	if (has_moved(c)) {
		expiry_touch(c->deadlines, item, net_now());
		return;
	}
	log_debug("the connection from %s was idle for %u s and is ended", addr_text(&c->peer, from),
	    c->all->mapping->tcp_timeout);
	connections_abort(c);
}

static void
begin_idling(struct connections *all)
{
	struct connection *c;

	TAILQ_FOREACH(c, &all->list, entry) {
		if (connection_is_dialling(c))
			continue;
		c->deadlines = all->idle;
		expiry_add(c->deadlines, &c->deadline, net_now());
	}
}

static void
end_idling(struct connections *all)
{
	struct connection *c;

	TAILQ_FOREACH(c, &all->list, entry)
		if (!connection_is_dialling(c))
			c->deadlines = NULL;
	expiry_free(all->idle);
	all->idle = NULL;
}

/* Without memory for a limit there is none. */
void
connections_change_idle(struct connections *all, uint32_t seconds)
{
	if (seconds == 0) {
		end_idling(all);
	} else if (all->idle != NULL) {
		expiry_change(all->idle, seconds, net_now());
	} else {
		all->idle = expiry_new(all->base, seconds, connections_on_idle, NULL);
		if (all->idle != NULL)
			begin_idling(all);
	}
}
