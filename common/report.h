/* SPDX-License-Identifier: ISC */
/*
 * What comes up from a worker: the whole present state of its mapping.  Fixed
 * size, no pointers.  To the supervisor a report is gossip from a process that
 * a stranger may have taken over: report_is_valid stands before every use.
 */
#ifndef REPORT_H
#define REPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "addr.h"
#include "cause.h"

enum state {
	STATE_WAITING,    /* no server addresses yet */
	STATE_CONNECTING, /* the keep-alive connection is being made */
	STATE_PROBING,    /* STUN servers are being asked */
	STATE_OPEN,       /* the outer address is known and kept open */
	STATE_DEGRADED,   /* a doubt is being checked; the outer address still stands */
	STATE_BACKOFF,    /* it failed; the next try comes by itself */
	STATE_STOPPED,    /* somebody stopped it; said by the supervisor, never by a worker */
	STATE_COUNT
};

/* Do strangers get in?  Only what was seen, never a guess. */
enum reach {
	REACH_UNKNOWN,     /* nothing was seen that would tell */
	REACH_REACHABLE,   /* something came in: a stranger's, or our own by way of the NAT */
	REACH_UNREACHABLE, /* something that must have come in was kept out */
	REACH_COUNT
};

#define REPORT_ERROR_SIZE 320
/* The longest round trip that is told, in microseconds: an hour. */
#define REPORT_TRIP_MAX 3600000000U
#define REPORT_ADVICE_SIZE 200

struct report {
	uint32_t state;    /* enum state */
	uint32_t reach;    /* enum reach */
	uint32_t confinement; /* what of enum confinement holds the worker */
	struct addr inner; /* the mapped port as this machine sees it */
	struct addr outer; /* as the Internet sees it; unset: none known */
	int64_t since;     /* Unix time since which outer has been what it is; 0: unset */
	uint32_t keep_alive_interval; /* seconds, as it was learned or set; 0: nothing is kept alive yet */
	uint32_t holes_lost; /* times that nothing held the hole any more, since the worker started */
	uint64_t connections;       /* TCP connections or UDP sessions now */
	uint64_t connections_total; /* since the worker started */
	uint64_t bytes_in;          /* from the Internet to the target */
	uint64_t bytes_out;         /* from the target to the Internet */
	uint64_t failures[CAUSE_COUNT]; /* since the worker started, as many as each cause had */
	uint64_t refused[REFUSAL_COUNT]; /* likewise */
	uint32_t keep_alive_trip;   /* microseconds, the last one: request to answer; 0: not measured yet */
	uint32_t stun_trip;         /* the same of a STUN server */
	char error[REPORT_ERROR_SIZE]; /* the last one in plain words, or "" */
	char advice[REPORT_ADVICE_SIZE]; /* what the owner should know although it is open, or "" */
};

/* "waiting", "connecting", ...; s must be below STATE_COUNT. */
const char *state_name(enum state s);

/* "unknown", "reachable", "unreachable"; r must be below REACH_COUNT. */
const char *reach_name(enum reach r);

/* Does a worker's report keep its own rules: known state, sane addresses, an outer
 * address exactly in STATE_OPEN and STATE_DEGRADED, reach and advice only with it,
 * printable and terminated text? */
bool report_is_valid(const struct report *r);

/* The same but for what is only counted or measured? */
bool report_same_news(const struct report *a, const struct report *b);

/* Do two errors say the same?  The first sentence says what is wrong; what was seen or
 * tried follows, and may be different with every try.  So may the server be, where one of
 * several in turn is to blame. */
bool report_same_complaint(const char *a, const char *b);

#endif
