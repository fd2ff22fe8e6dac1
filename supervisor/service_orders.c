/* SPDX-License-Identifier: ISC */
/*
 * What an operator may order of one mapping; see service.h.
 */
#include <string.h>

#include "service.h"
#include "succession.h"

static const struct timeval now = {0};

bool
service_is_stopped(const struct service *s)
{
	return s->report.state == STATE_STOPPED;
}

void
service_refresh(struct service *s)
{
	if (event_pending(s->restart, EV_TIMEOUT, NULL))
		event_add(s->restart, &now);
	peer_look_again(&s->peer, AGAIN_OPERATOR);
}

/* Its worker, if it has one, ends; what it did until now does not count any more. */
static void
end_worker(struct service *s)
{
	peer_forget(&s->peer);
	hearing_forget(&s->hearing);
	event_del(s->healthy);
	event_del(s->restart);
	s->failures = 0;
	s->as_asked = true;
	memset(&s->portloss, 0, sizeof(s->portloss));
}

bool
service_stop(struct service *s)
{
	if (service_is_stopped(s))
		return false;
	end_worker(s);
	succession_give_up(s, STATE_STOPPED, "stopped with natterctl, which can start it again");
	return true;
}

bool
service_start(struct service *s)
{
	if (!service_is_stopped(s))
		return false;
	return service_restart(s);
}

bool
service_restart(struct service *s)
{
	end_worker(s);
	if (s->takeover.running)
		held_inherit(&s->held); /* and the deadline remains */
	else if (addr_is_set(&s->report.outer))
		succession_begin(s, "restarted with natterctl");
	else
		succession_give_up(s, STATE_BACKOFF, "started with natterctl");
	event_add(s->restart, &now);
	return true;
}
