/* SPDX-License-Identifier: ISC */
/*
 * Whether a mapping can be reached; see reach.h.
 */
#include "reach.h"

#include <stdlib.h>

#include "alloc.h"
#include "hairpin.h"
#include "stranger.h"

struct reach_test {
	struct worker *worker;
	const struct servers *servers;
	reach_found *found;
	void *context;
	struct acquaintances known;
	struct hairpin *hairpin;   /* stays after its end, for what comes late */
	struct stranger *stranger; /* likewise */
	bool hairpin_runs;
	bool stranger_runs;
	enum reach by_hairpin;
	enum reach by_stranger;
};

bool
reach_is_running(const struct reach_test *r)
{
	return r->hairpin_runs || r->stranger_runs;
}

/* A stranger's datagram, or its silence, tells more than our own. */
static void
conclude(struct reach_test *r)
{
	if (!reach_is_running(r))
		r->found(r->context, r->by_stranger != REACH_UNKNOWN ? r->by_stranger : r->by_hairpin);
}

static void
on_hairpin(void *context, bool reached)
{
	struct reach_test *r = context;

	r->hairpin_runs = false;
	r->by_hairpin = reached ? REACH_REACHABLE : REACH_UNKNOWN;
	conclude(r);
}

static void
on_stranger(void *context, enum reach reach)
{
	struct reach_test *r = context;

	r->stranger_runs = false;
	/* A port that is only punched may be passed on before our socket sees a stranger, by
	 * the packet filter of this router: then silence proves nothing. */
	if (reach == REACH_REACHABLE || mapping_is_served(&r->worker->mapping))
		r->by_stranger = reach;
	conclude(r);
}

void
reach_begin(struct reach_test *r, const struct addr *outer)
{
	const struct mapping *m = &r->worker->mapping;

	reach_stop(r);
	/* Whether it comes back to another program's port, nobody would tell us. */
	r->hairpin_runs = mapping_is_served(m);
	r->stranger_runs = m->protocol == PROTOCOL_UDP && r->servers->stun_count > 0;
	if (r->hairpin_runs)
		r->hairpin = hairpin_start(r->worker, outer, on_hairpin, r);
	if (r->stranger_runs)
		r->stranger = stranger_start(r->worker, r->servers, &r->known, on_stranger, r);
}

void
reach_stop(struct reach_test *r)
{
	hairpin_free(r->hairpin);
	stranger_free(r->stranger);
	r->hairpin = NULL;
	r->stranger = NULL;
	r->hairpin_runs = r->stranger_runs = false;
	r->by_hairpin = r->by_stranger = REACH_UNKNOWN;
}

void
reach_note_servers(struct reach_test *r)
{
	uint32_t i;

	for (i = 0; i < r->servers->stun_count; i++)
		acquaintances_add(&r->known, &r->servers->stun[i].addr);
}

struct reach_test *
reach_new(struct worker *worker, const struct servers *servers, reach_found *found, void *context)
{
	struct reach_test *r = alloc_zero(sizeof(*r));

	r->worker = worker;
	r->servers = servers;
	r->found = found;
	r->context = context;
	return r;
}

void
reach_free(struct reach_test *r)
{
	reach_stop(r);
	free(r);
}

bool
reach_claim_connection(struct reach_test *r, int fd, const struct addr *from)
{
	return hairpin_claim_connection(r->hairpin, fd, from);
}

bool
reach_claim_datagram(struct reach_test *r, const struct addr *from, const void *data, size_t length)
{
	return hairpin_claim_datagram(r->hairpin, data, length) ||
	       stranger_claim_datagram(r->stranger, from, data, length);
}
