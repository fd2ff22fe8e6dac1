/* SPDX-License-Identifier: ISC */
/*
 * Another configuration, or other servers, for a mapping that is being held; see change.h.  What
 * the hole and the sockets are made of cannot change: natterd gives that to another worker.
 */
#include "change.h"

#include "descriptors.h"
#include "log.h"
#include "net.h"
#include "session_state.h"

static bool
is_same_worker(const struct mapping *a, const struct mapping *b)
{
	return mapping_same_place(a, b) && a->task == b->task && a->test_page == b->test_page && a->uid == b->uid &&
	       a->gid == b->gid;
}

static void
change_keep_alive(struct session *s)
{
	const struct mapping *m = &s->worker->mapping;

	if (!session_is_udp(s))
		keeper_change_interval(s->keeper, m->keep_alive_shortest, m->keep_alive_longest);
	else
		interval_change(&s->interval, m->keep_alive_shortest, m->keep_alive_longest, net_now());
	if (s->binding != NULL)
		binding_change_interval(s->binding);
	if (session_state(s) == STATE_OPEN) {
		session_note_interval(s);
		bulletin_send(s->bulletin);
	}
}

/* Where a relay begins beside a hole that is there, or leaves one to another program, who is
 * reached is another question than before. */
static void
change_serving(struct session *s, const struct mapping *old)
{
	bool is_served = mapping_is_served(&s->worker->mapping);

	serving_change(s->serving);
	if (is_served == mapping_is_served(old))
		return;
	reach_stop(bulletin_reach(s->bulletin));
	bulletin_look_again(s->bulletin);
	s->serving_joins = is_served;
	if (is_served)
		serving_start(s->serving);
	else if (session_state(s) == STATE_OPEN)
		session_ask(s);
	else
		session_punch(s);
}

void
session_change(void *session, const struct mapping *mapping)
{
	struct session *s = session;
	struct mapping old = s->worker->mapping;

	if (!is_same_worker(&old, mapping))
		fatal("the supervisor sent a mapping that takes another worker");
	s->worker->mapping = *mapping;
	log_set_level((enum log_level)mapping->log_level);
	bulletin_retitle(s->bulletin);
	if (mapping->keep_alive_shortest != old.keep_alive_shortest ||
	    mapping->keep_alive_longest != old.keep_alive_longest)
		change_keep_alive(s);
	if (mapping->max_connections != old.max_connections || mapping->max_udp_sessions != old.max_udp_sessions)
		descriptors_check(mapping);
	if (mapping->stun_interval != old.stun_interval)
		session_plan_look(s);
	change_serving(s, &old);
}

static bool
is_same_list(const struct server *a, uint32_t a_count, const struct server *b, uint32_t b_count)
{
	uint32_t i;

	for (i = 0; i < a_count && a_count == b_count; i++)
		if (!addr_equal(&a[i].addr, &b[i].addr))
			return false;
	return a_count == b_count;
}

/* What holds the hole may be a server that is not to be used any more. */
static void
leave_unlisted(struct session *s)
{
	const struct servers *servers = &s->servers;

	if (!session_is_udp(s)) {
		keeper_leave_unlisted(s->keeper);
		return;
	}
	if (s->binding != NULL && session_state(s) == STATE_OPEN &&
	    !server_is_listed(binding_server(s->binding), servers->stun, servers->stun_count))
		session_ask(s);
}

/* That one of them failed for somebody is no news that a pause would end for. */
void
session_take_servers(void *session, const struct servers *servers)
{
	struct session *s = session;
	const struct servers *old = &s->servers;
	bool is_news = !is_same_list(old->stun, old->stun_count, servers->stun, servers->stun_count) ||
		       !is_same_list(old->keep_alive, old->keep_alive_count, servers->keep_alive, servers->keep_alive_count);

	s->servers = *servers;
	reach_note_servers(bulletin_reach(s->bulletin));
	if (session_state(s) == STATE_WAITING || (session_state(s) == STATE_BACKOFF && is_news))
		session_punch(s);
	else if (!session_is_udp(s) && keeper_is_up(s->keeper))
		keeper_connect(s->keeper); /* a second connection may be possible now */
	if (is_news)
		leave_unlisted(s);
}
