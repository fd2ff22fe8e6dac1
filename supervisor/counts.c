/* SPDX-License-Identifier: ISC */
/*
 * Numbers of a mapping; see counts.h.
 */
#include "counts.h"

uint64_t
counts_restarts(const struct service *s)
{
	return s->restarts;
}

uint64_t
counts_keep_alive_interval(const struct service *s)
{
	return s->report.keep_alive_interval;
}

uint64_t
counts_keep_alive_round_trip(const struct service *s)
{
	return s->report.keep_alive_trip;
}

uint64_t
counts_stun_round_trip(const struct service *s)
{
	return s->report.stun_trip;
}

/* The first event is none. */
const char *
counts_event_name(unsigned int i)
{
	return i + 1 < OUTER_EVENT_COUNT ? outer_event_name((enum outer_event)(i + 1)) : NULL;
}

uint64_t
counts_changes(const struct service *s, unsigned int i)
{
	return s->changes[i + 1];
}

const char *
counts_cause_name(unsigned int i)
{
	return i < CAUSE_COUNT ? cause_name((enum cause)i) : NULL;
}

uint64_t
counts_failures(const struct service *s, unsigned int i)
{
	return s->tally.total.failures[i];
}

const char *
counts_refusal_name(unsigned int i)
{
	return i < REFUSAL_COUNT ? refusal_name((enum refusal)i) : NULL;
}

uint64_t
counts_refused(const struct service *s, unsigned int i)
{
	return s->tally.total.refused[i];
}

uint64_t
counts_holes_lost(const struct service *s)
{
	return s->tally.total.holes_lost;
}

uint64_t
counts_connections(const struct service *s)
{
	return s->report.connections;
}

uint64_t
counts_connections_total(const struct service *s)
{
	return s->tally.total.connections;
}

uint64_t
counts_bytes_in(const struct service *s)
{
	return s->tally.total.bytes_in;
}

uint64_t
counts_bytes_out(const struct service *s)
{
	return s->tally.total.bytes_out;
}
