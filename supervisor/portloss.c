/* SPDX-License-Identifier: ISC */
/*
 * Ports that are taken; see portloss.h.
 */
#include "portloss.h"

#include <bsd/string.h>
#include <errno.h>
#include <stdio.h>

#include "log.h"
#include "portowner.h"

bool
portloss_note(struct portloss *p, int error, int64_t now)
{
	if (error != EADDRINUSE) {
		p->lost = p->lost && error != 0; /* other trouble tells nothing of the port */
		return false;
	}
	if (!p->lost)
		p->since = now;
	p->lost = true;
	return now - p->since >= PORTLOSS_SECONDS;
}

void
portloss_explain(const struct mapping *mapping, bool chosen)
{
	char who[128], at[ADDR_TEXT_SIZE], what[80];

	if (!portowner_find(mapping, who, sizeof(who)))
		strlcpy(who, "another program", sizeof(who));
	if (chosen)
		snprintf(what, sizeof(what), "if it has it for %d seconds, another port is chosen", PORTLOSS_SECONDS);
	else
		strlcpy(what, "end it, or choose another port in natter.cfg", sizeof(what));
	log_warning("%s: %s has %s port %s: %s", mapping->name, who, protocol_name(mapping->protocol),
	    addr_text(&mapping->bind, at), what);
}
