/* SPDX-License-Identifier: ISC */
/*
 * Asking STUN servers side by side; see round.h.
 */
#include "round.h"

#include <stdio.h>
#include <stdlib.h>

#include "alloc.h"
#include "log.h"

/* So many are asked at once ... */
#define SIDE_BY_SIDE 3
/* ... and one more each time this passes without an answer (one RTO). */
static const struct timeval hedge_delay = {.tv_usec = 500000};

struct round {
	struct worker *worker;
	const struct servers *servers;
	round_done *done;
	void *context;
	struct event *hedge;
	unsigned int first;
	unsigned int asked;
	unsigned int failed;
	struct probe *probes[SERVERS_MAX]; /* in the order of asking */
};

static void ask_next(struct round *r);

static void
report_failure(struct round *r, const struct probe_result *last)
{
	struct probe_result result = {.ok = false};

	snprintf(result.error, sizeof(result.error), "none of %u STUN servers gave an address; the last one: %.240s",
	    r->asked, last->error);
	r->done(r->context, &result, NULL);
}

static void
drop_probe(struct round *r, const struct probe *probe)
{
	unsigned int i;

	for (i = 0; i < r->asked; i++)
		if (r->probes[i] == probe)
			r->probes[i] = NULL;
}

static void
on_probe(void *context, struct probe *probe, const struct probe_result *result)
{
	struct round *r = context;

	drop_probe(r, probe);
	if (result->ok) {
		event_del(r->hedge);
		r->done(r->context, result, probe);
		return;
	}
	log_debug("%s", result->error);
	probe_free(probe);
	r->failed++;
	ask_next(r);
	if (r->failed == r->asked)
		report_failure(r, result);
}

static void
ask_next(struct round *r)
{
	const struct servers *s = r->servers;

	if (r->asked >= s->stun_count)
		return;
	r->probes[r->asked] = probe_start(r->worker, &s->stun[(r->first + r->asked) % s->stun_count], on_probe, r);
	r->asked++;
	event_add(r->hedge, &hedge_delay);
}

static void
on_hedge(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	ask_next(arg);
}

struct round *
round_start(struct worker *worker, const struct servers *servers, unsigned int first, round_done *done, void *context)
{
	struct round *r = alloc_zero(sizeof(*r));
	int i;

	r->worker = worker;
	r->servers = servers;
	r->first = first;
	r->done = done;
	r->context = context;
	r->hedge = event_new(worker->base, -1, 0, on_hedge, r);
	if (r->hedge == NULL)
		fatal("out of memory");
	for (i = 0; i < SIDE_BY_SIDE; i++)
		ask_next(r);
	return r;
}

void
round_free(struct round *r)
{
	unsigned int i;

	if (r == NULL)
		return;
	for (i = 0; i < r->asked; i++)
		probe_free(r->probes[i]);
	event_free(r->hedge);
	free(r);
}
