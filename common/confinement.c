/* SPDX-License-Identifier: ISC */
/*
 * The names of what confines a worker; see confinement.h.
 */
#include "confinement.h"

#include <bsd/string.h>
#include <stddef.h>

static const char *const names[] = {"chroot", "landlock", "landlock-tcp", "seccomp"};

const char *
confinement_text(uint32_t held, char buf[CONFINEMENT_TEXT_SIZE])
{
	size_t i;

	buf[0] = '\0';
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if ((held & (1U << i)) == 0)
			continue;
		if (buf[0] != '\0')
			strlcat(buf, ", ", CONFINEMENT_TEXT_SIZE);
		strlcat(buf, names[i], CONFINEMENT_TEXT_SIZE);
	}
	if (buf[0] == '\0')
		strlcpy(buf, "none", CONFINEMENT_TEXT_SIZE);
	return buf;
}
