/* SPDX-License-Identifier: ISC */
/*
 * From one worker to the next, or to none; see succession.h.
 */
#include "succession.h"

#include <string.h>

#include "log.h"
#include "text.h"

static const struct timeval takeover_time = {.tv_sec = 10};

static void
on_takeover_deadline(evutil_socket_t fd, short what, void *arg)
{
	struct service *s = arg;

	(void)fd;
	(void)what;
	held_end_inherited(&s->held);
	if (!s->takeover.running)
		return;
	s->takeover.running = false;
	service_report(s, &s->takeover.latest);
}

void
succession_open(struct service *s, struct event_base *base)
{
	s->takeover_deadline = event_new(base, -1, 0, on_takeover_deadline, s);
	if (s->takeover_deadline == NULL)
		fatal("natterd: out of memory");
}

void
succession_begin(struct service *s, const char *why)
{
	struct report doubt = takeover_begin(&s->takeover, &s->report, why);

	held_inherit(&s->held);
	event_add(s->takeover_deadline, &takeover_time);
	service_report(s, &doubt);
}

void
succession_give_up(struct service *s, enum state state, const char *why)
{
	struct report r;

	memset(&r, 0, sizeof(r));
	r.state = state;
	text_copy_printable(r.error, sizeof(r.error), why, strlen(why));
	s->takeover.running = false;
	event_del(s->takeover_deadline);
	held_end(&s->held);
	service_report(s, &r);
}
