/* SPDX-License-Identifier: ISC */
/*
 * What confines the workers; see walls.h.
 */
#include "walls.h"

#include <stdbool.h>
#include <unistd.h>

#include "confinement.h"
#include "log.h"

/* Only root can give a worker another root directory. */
static uint32_t
expected(void)
{
	return geteuid() == 0 ? CONFINED_ALL : CONFINED_ALL & ~(uint32_t)CONFINED_ROOT;
}

void
walls_note(uint32_t held)
{
	static bool said;
	uint32_t missing = expected() & ~held;
	char text[CONFINEMENT_TEXT_SIZE];

	if (missing == 0 || said || !confinement_is_possible())
		return;
	said = true;
	if (missing == CONFINED_PORTS) {
		log_info("natterd: workers run without landlock-tcp, since this kernel is older than 6.7; natterd(8) says what "
			 "that is for");
		return;
	}
	log_warning("natterd: workers run without %s, which this kernel or container does not give them; natterd(8) says "
	            "what that is for",
	    confinement_text(missing, text));
}
