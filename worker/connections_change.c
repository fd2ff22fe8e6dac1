/* SPDX-License-Identifier: ISC */
/*
 * Other settings for the connections of a TCP mapping; see connections.h.
 */
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "connections_state.h"
#include "net.h"
#include "target.h"

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
static void
change_idle(struct connections *all, uint32_t seconds)
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

static void
change_options(struct connections *all)
{
	int usual = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	const struct connection *c;

	TAILQ_FOREACH(c, &all->list, entry) {
		target_change_options(c->client.side.fd, usual, all->mapping);
		target_change_options(c->target.side.fd, usual, all->mapping);
	}
	if (usual >= 0)
		close(usual);
}

/* Who still waits for the old target gets the new one. */
static void
dial_again(struct connections *all)
{
	struct connection *c, *next;

	for (c = TAILQ_FIRST(&all->list); c != NULL; c = next) {
		next = TAILQ_NEXT(c, entry);
		if (!connection_is_dialling(c))
			continue;
		connections_close_end(all, &c->target);
		expiry_touch(c->deadlines, &c->deadline, net_now());
		if (connections_dial(c) < 0)
			connections_refuse(c, errno);
	}
}

void
connections_change(struct connections *all)
{
	const struct mapping *m = all->mapping;

	if (m->tcp_keepalive != all->tcp_keepalive)
		change_options(all);
	if (!addr_equal(&m->target, &all->target))
		dial_again(all);
	change_idle(all, m->tcp_timeout);
	all->tcp_keepalive = m->tcp_keepalive;
	all->target = m->target;
}
