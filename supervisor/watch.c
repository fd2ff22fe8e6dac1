/* SPDX-License-Identifier: ISC */
/*
 * Who watches the NAT; see watch.h.
 */
#include "watch.h"

#include "log.h"
#include "neighbours.h"

/* The higher the better; 0: cannot have the duty. */
static int
fitness(const struct service *s)
{
	int fitness = s->report.state == STATE_OPEN ? 3 : s->report.state == STATE_DEGRADED ? 2 : 1;

	if (s->mapping.protocol != PROTOCOL_TCP || s->peer.pid == 0)
		return 0;
	/* Who fixed the interval wants no other one. */
	if (s->mapping.keep_alive_shortest == s->mapping.keep_alive_longest)
		return 0;
	if (s->watches && fitness > 1)
		return 7; /* even a doubt is no reason to hand it over */
	return 2 * fitness + s->watches;
}

static void
charge(struct service *s, bool watches)
{
	if (s->watches == watches)
		return;
	s->watches = watches;
	peer_send_duty(&s->peer, watches);
	if (watches)
		log_debug("%s: has the duty to watch the NAT", s->mapping.name);
}

void
watch_choose(const struct service *s)
{
	struct service *best = NULL, *other;

	TAILQ_FOREACH(other, services_all(), entry)
		if (neighbours_share_nat(s, other) && fitness(other) > (best != NULL ? fitness(best) : 0))
			best = other;
	TAILQ_FOREACH(other, services_all(), entry)
		if (neighbours_share_nat(s, other))
			charge(other, other == best);
}

void
watch_start(struct service *s)
{
	s->watches = false;
	watch_choose(s);
}
