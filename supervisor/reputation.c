/* SPDX-License-Identifier: ISC */
/*
 * The table of servers that failed; see reputation.h.
 */
#include "reputation.h"

#include <stdlib.h>
#include <sys/queue.h>

#include "alloc.h"
#include "jitter.h"

struct offender {
	LIST_ENTRY(offender) entry;
	enum protocol protocol;
	struct addr addr;
	unsigned int rest;  /* seconds, without the chance */
	int64_t rest_until;
};

static LIST_HEAD(, offender) offenders = LIST_HEAD_INITIALIZER(offenders);

static struct offender *
find(enum protocol protocol, const struct addr *server)
{
	struct offender *o;

	LIST_FOREACH(o, &offenders, entry)
		if (o->protocol == protocol && addr_equal(&o->addr, server))
			return o;
	return NULL;
}

static struct offender *
add(enum protocol protocol, const struct addr *server)
{
	struct offender *o = alloc_zero(sizeof(*o));

	o->protocol = protocol;
	o->addr = *server;
	LIST_INSERT_HEAD(&offenders, o, entry);
	return o;
}

static void
drop(struct offender *o)
{
	LIST_REMOVE(o, entry);
	free(o);
}

static unsigned int
longer(unsigned int rest)
{
	if (rest == 0)
		return REPUTATION_REST_FIRST;
	return rest * 2 < REPUTATION_REST_MAX ? rest * 2 : REPUTATION_REST_MAX;
}

unsigned int
reputation_fail(enum protocol protocol, const struct addr *server, int64_t now)
{
	struct offender *o = find(protocol, server);
	unsigned int seconds;

	if (o == NULL)
		o = add(protocol, server);
	else if (now < o->rest_until)
		return 0;
	o->rest = longer(o->rest);
	seconds = (unsigned int)jitter(o->rest).tv_sec;
	o->rest_until = now + seconds;
	return seconds;
}

void
reputation_clear(enum protocol protocol, const struct addr *server)
{
	struct offender *o = find(protocol, server);

	if (o != NULL)
		drop(o);
}

int64_t
reputation_rest_until(enum protocol protocol, const struct addr *server)
{
	const struct offender *o = find(protocol, server);

	return o != NULL ? o->rest_until : 0;
}

void
reputation_keep(bool (*is_used)(enum protocol protocol, const struct addr *server))
{
	struct offender *o, *next;

	for (o = LIST_FIRST(&offenders); o != NULL; o = next) {
		next = LIST_NEXT(o, entry);
		if (!is_used(o->protocol, &o->addr))
			drop(o);
	}
}

static bool
uses_none(enum protocol protocol, const struct addr *server)
{
	(void)protocol;
	(void)server;
	return false;
}

void
reputation_clear_all(void)
{
	reputation_keep(uses_none);
}
