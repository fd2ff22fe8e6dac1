/* SPDX-License-Identifier: ISC */
/*
 * Another configuration for a mapping that is being held; see change.h.  What the hole and
 * the sockets are made of cannot change: natterd gives that to another worker.
 */
#include "change.h"

#include <string.h>

#include "log.h"
#include "session_state.h"

static bool
is_same_place(const struct mapping *a, const struct mapping *b)
{
	return a->protocol == b->protocol && a->task == b->task && a->test_page == b->test_page && a->uid == b->uid &&
	       a->gid == b->gid && memcmp(&a->bind, &b->bind, sizeof(a->bind)) == 0;
}

void
session_change(void *session, const struct mapping *mapping)
{
	struct session *s = session;

	if (!is_same_place(&s->worker->mapping, mapping))
		fatal("the supervisor sent a mapping that takes another worker");
	s->worker->mapping = *mapping;
	log_set_level((enum log_level)mapping->log_level);
	bulletin_retitle(s->bulletin);
}
