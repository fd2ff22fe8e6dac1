/* SPDX-License-Identifier: ISC */
/*
 * A few reasons, the oldest of which makes room; see complaints.h.
 */
#include "complaints.h"

#include <bsd/string.h>

bool
complaints_take(struct complaints *c, const char *error)
{
	unsigned int i, known = c->count < COMPLAINTS_MAX ? c->count : COMPLAINTS_MAX;

	for (i = 0; i < known; i++)
		if (report_same_complaint(c->said[i], error))
			return false;
	strlcpy(c->said[c->count++ % COMPLAINTS_MAX], error, REPORT_ERROR_SIZE);
	return true;
}

bool
complaints_any(const struct complaints *c)
{
	return c->count > 0;
}

void
complaints_clear(struct complaints *c)
{
	c->count = 0;
}
