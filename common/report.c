/* SPDX-License-Identifier: ISC */
/*
 * The report's states and rules; see report.h.
 */
#include "report.h"

#include <string.h>

#include "confinement.h"
#include "mapping.h"
#include "text.h"

static const char *const state_names[STATE_COUNT] = {
    [STATE_WAITING] = "waiting",
    [STATE_CONNECTING] = "connecting",
    [STATE_PROBING] = "probing",
    [STATE_OPEN] = "open",
    [STATE_DEGRADED] = "degraded",
    [STATE_BACKOFF] = "backoff",
    [STATE_STOPPED] = "stopped",
};

static const char *const reach_names[REACH_COUNT] = {
    [REACH_UNKNOWN] = "unknown",
    [REACH_REACHABLE] = "reachable",
    [REACH_UNREACHABLE] = "unreachable",
};

const char *
reach_name(enum reach r)
{
	return reach_names[r];
}

const char *
state_name(enum state s)
{
	return state_names[s];
}

static bool
is_sane(const struct addr *a)
{
	if (a->sa.sa_family == AF_UNSPEC)
		return true;
	return addr_is_set(a) && addr_port(a) != 0;
}

bool
report_is_valid(const struct report *r)
{
	bool published = r->state == STATE_OPEN || r->state == STATE_DEGRADED;

	if (r->state >= STATE_STOPPED || r->reach >= REACH_COUNT || r->confinement > CONFINED_ALL)
		return false;
	if (!is_sane(&r->inner) || !is_sane(&r->outer) || (addr_is_set(&r->outer) && !addr_is_routable(&r->outer)))
		return false;
	if (addr_is_set(&r->outer) != published || (r->since > 0) != published)
		return false;
	if (r->keep_alive_interval > KEEP_ALIVE_INTERVAL_MAX)
		return false;
	if (r->keep_alive_trip > REPORT_TRIP_MAX || r->stun_trip > REPORT_TRIP_MAX)
		return false;
	if (!published && (r->reach != REACH_UNKNOWN || r->advice[0] != '\0'))
		return false;
	return text_is_printable(r->error, sizeof(r->error)) && text_is_printable(r->advice, sizeof(r->advice));
}

bool
report_same_news(const struct report *a, const struct report *b)
{
	return a->state == b->state && a->reach == b->reach && a->since == b->since && addr_equal(&a->inner, &b->inner) &&
	       addr_equal(&a->outer, &b->outer) && a->keep_alive_interval == b->keep_alive_interval &&
	       a->holes_lost == b->holes_lost && strcmp(a->error, b->error) == 0 && strcmp(a->advice, b->advice) == 0;
}

/* The beginning of an error that blames a server, or 0. */
static size_t
length_of_blame(const char *error)
{
	static const char *const blames[] = {"keep-alive server ", "STUN server "};
	size_t i, length;

	for (i = 0; i < sizeof(blames) / sizeof(blames[0]); i++) {
		length = strlen(blames[i]);
		if (strncmp(error, blames[i], length) == 0)
			return length;
	}
	return 0;
}

bool
report_same_complaint(const char *a, const char *b)
{
	const char *end = strstr(a, ". ");
	size_t blame = length_of_blame(a);
	size_t length = end != NULL ? (size_t)(end - a) : strlen(a);

	if (blame > 0)
		return strncmp(a, b, blame) == 0;
	return strncmp(a, b, length) == 0 && (b[length] == '\0' || strncmp(b + length, ". ", 2) == 0);
}
