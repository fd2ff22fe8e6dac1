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
		connections_hang_up(c);
		expiry_touch(c->deadlines, &c->deadline, net_now());
		if (connections_dial(c) < 0)
			connections_refuse(c, errno);
	}
}

/* Who may not be here any more goes; those above a limit that was lowered stay. */
static void
change_admission(struct connections *all)
{
	struct connection *c, *next;

	admission_change(all->admission);
	for (c = TAILQ_FIRST(&all->list); c != NULL; c = next) {
		next = TAILQ_NEXT(c, entry);
		if (!admission_keeps(all->admission, &c->peer))
			connections_abort(c);
	}
}

void
connections_change(struct connections *all)
{
	const struct mapping *m = all->mapping;

	change_admission(all);
	expiry_change(all->connecting, m->connect_timeout, net_now());
	if (m->tcp_keepalive != all->tcp_keepalive)
		change_options(all);
	if (!addr_equal(&m->target, &all->target))
		dial_again(all);
	connections_change_idle(all, m->tcp_timeout);
	all->tcp_keepalive = m->tcp_keepalive;
	all->target = m->target;
}
