/* SPDX-License-Identifier: ISC */
/*
 * Another port; see lastresort.h.
 */
#include "lastresort.h"

#include <errno.h>
#include <string.h>

#include "log.h"
#include "monotonic.h"
#include "ports.h"

static void
take_another_port(struct service *s)
{
	struct mapping bound = interface_bound(&s->interface);
	uint16_t old = addr_port(&s->mapping.bind);

	if (ports_replace(&bound) < 0) {
		log_error("%s: port %u is still taken, and no other one could be found: %s", s->mapping.name, old,
		    strerror(errno));
		return;
	}
	addr_set_port(&s->mapping.bind, addr_port(&bound.bind));
	memset(&s->portloss, 0, sizeof(s->portloss));
	log_warning("%s: port %u has been taken for %d seconds: port %u is used from now on", s->mapping.name, old,
	    PORTLOSS_SECONDS, addr_port(&bound.bind));
	service_renew(s, "its port was taken: another one is used");
}

void
lastresort_note(struct service *s, int error)
{
	bool was_lost = s->portloss.lost, is_chosen = ports_is_chosen(s->mapping.name);
	bool is_due = portloss_note(&s->portloss, error, monotonic_seconds());
	struct mapping bound;

	/* Looking for who has it takes long, and a worker that was taken over could have it
	 * now and then. */
	if (!was_lost && s->portloss.lost && quota_take(&s->explanations, 1, PORTLOSS_SECONDS)) {
		bound = interface_bound(&s->interface);
		portloss_explain(&bound, is_chosen);
	}
	if (is_due && is_chosen)
		take_another_port(s);
}
