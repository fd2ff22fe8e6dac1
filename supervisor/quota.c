/* SPDX-License-Identifier: ISC */
/*
 * Counting in spans of time; see quota.h.
 */
#include "quota.h"

#include "log.h"
#include "monotonic.h"

bool
quota_take(struct quota *q, unsigned int count, unsigned int seconds)
{
	int64_t now = monotonic_seconds();

	if (now - q->began >= seconds) {
		q->began = now;
		q->taken = 0;
	}
	if (q->taken == count) {
		q->refused++;
		return false;
	}
	q->taken++;
	return true;
}

bool
quota_take_line(struct quota *q, unsigned int count, unsigned int seconds, const char *subject)
{
	if (!quota_take(q, count, seconds))
		return false;
	if (q->refused > 0)
		log_warning("%s: %u more lines were left out", subject, q->refused);
	q->refused = 0;
	return true;
}
