/* SPDX-License-Identifier: ISC */
/*
 * From one worker to the next; see takeover.h.
 */
#include "takeover.h"

#include <stdio.h>
#include <string.h>

#include "text.h"

static void
set_error(struct report *r, const char *text)
{
	text_copy_printable(r->error, sizeof(r->error), text, strlen(text));
}

struct report
takeover_begin(struct takeover *t, const struct report *published, const char *why)
{
	struct report doubt = *published;
	char text[REPORT_ERROR_SIZE];

	t->running = true;
	memset(&t->latest, 0, sizeof(t->latest));
	t->latest.state = STATE_BACKOFF;
	snprintf(text, sizeof(text), "%s, and the next one did not take over in time", why);
	set_error(&t->latest, text);

	snprintf(text, sizeof(text), "%s; the next one takes over", why);
	set_error(&doubt, text);
	doubt.state = STATE_DEGRADED;
	doubt.connections = doubt.connections_total = doubt.bytes_in = doubt.bytes_out = 0;
	return doubt;
}

bool
takeover_withholds(struct takeover *t, const struct report *report)
{
	bool on_the_way = report->state < STATE_OPEN;

	if (!t->running)
		return false;
	t->latest = *report;
	t->running = on_the_way;
	return on_the_way;
}
