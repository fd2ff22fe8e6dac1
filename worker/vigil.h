/* SPDX-License-Identifier: ISC */
/*
 * What the quiet of connections means that are probed every second: when it becomes a
 * doubt, and when the doubt is over.  Where packets are often lost false doubts are
 * frequent, and it becomes more patient.  No I/O.  All times are seconds on the monotonic
 * clock.
 */
#ifndef VIGIL_H
#define VIGIL_H

#include <stdbool.h>

/* Probed after a second of idleness, a server whose answers arrive is heard this often. */
#define VIGIL_FINE_SECONDS 1.3

struct vigil {
	double since;        /* the connections are probed every second */
	double excused_at;   /* the quiet up to then is not doubted again */
	bool in_doubt;
	unsigned int falses; /* doubts that proved wrong, one forgotten each minute */
	double forgot_at;
};

enum vigil_verdict {
	VIGIL_FINE,
	VIGIL_UNSURE, /* an answer is overdue */
	VIGIL_DOUBT,  /* so many are that something may be wrong: said once */
	VIGIL_HEARD,  /* the doubt is over: said once */
};

/* The connections are probed every second from now on; what was before does not count. */
void vigil_begin(struct vigil *v, double now);
/* quiet: seconds since a segment arrived on any of the connections. */
enum vigil_verdict vigil_look(struct vigil *v, double quiet, double now);
/* Whatever was doubted is still there, or is known to be gone. */
void vigil_settle(struct vigil *v, bool was_false);
/* What was doubted is still there although nobody is heard: the same quiet is a doubt again
 * only after as long as at first. */
void vigil_excuse(struct vigil *v, double now);
/* The same quiet, but no more than it was watched for. */
double vigil_count(const struct vigil *v, double quiet, double now);

#endif
