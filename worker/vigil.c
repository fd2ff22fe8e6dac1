/* SPDX-License-Identifier: ISC */
/*
 * From quiet to doubt; see vigil.h.
 */
#include "vigil.h"

/* Two probes, sent after 1 and 2 s, are not answered: with a fifth of all packets lost in
 * each direction that happens twice a minute with two connections. */
#define PATIENCE 2.1
/* So many false doubts are free; with each further one patience grows, up to ... */
#define FREE_FALSES 5
#define PATIENCE_MAX 10.0
#define FORGET_SECONDS 60

static double
patience(const struct vigil *v)
{
	double seconds = PATIENCE;

	if (v->falses > FREE_FALSES)
		seconds += (v->falses - FREE_FALSES) * 2.0;
	return seconds < PATIENCE_MAX ? seconds : PATIENCE_MAX;
}

static void
forget_falses(struct vigil *v, double now)
{
	if (v->falses == 0) {
		v->forgot_at = now;
	} else if (now - v->forgot_at >= FORGET_SECONDS) {
		v->falses--;
		v->forgot_at += FORGET_SECONDS;
	}
}

void
vigil_begin(struct vigil *v, double now)
{
	v->since = now;
}

double
vigil_count(const struct vigil *v, double quiet, double now)
{
	double watched = now - v->since;

	return quiet < watched ? quiet : watched;
}

enum vigil_verdict
vigil_look(struct vigil *v, double quiet, double now)
{
	double counted = vigil_count(v, quiet, now);
	bool is_excused = now - v->excused_at <= patience(v);

	forget_falses(v, now);
	if (v->in_doubt && quiet <= VIGIL_FINE_SECONDS) {
		vigil_settle(v, true);
		return VIGIL_HEARD;
	}
	if (!v->in_doubt && !is_excused && counted > patience(v)) {
		v->in_doubt = true;
		return VIGIL_DOUBT;
	}
	return counted > VIGIL_FINE_SECONDS ? VIGIL_UNSURE : VIGIL_FINE;
}

void
vigil_settle(struct vigil *v, bool was_false)
{
	if (v->in_doubt && was_false && v->falses < 2 * FREE_FALSES)
		v->falses++;
	v->in_doubt = false;
}

void
vigil_excuse(struct vigil *v, double now)
{
	if (v->in_doubt)
		v->excused_at = now;
	vigil_settle(v, true);
}
