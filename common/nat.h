/* SPDX-License-Identifier: ISC */
/*
 * What a check of the NAT found for one protocol: plain observations in the
 * terms of RFC 4787 and RFC 5780.  Fixed size, no pointers.  It comes up from a
 * worker, so it is gossip like a report: nat_report_is_valid stands before every
 * use.  What follows from it is said by the supervisor.
 */
#ifndef NAT_H
#define NAT_H

#include <stdbool.h>
#include <stdint.h>

#include "addr.h"
#include "report.h"

enum nat_mapping { /* RFC 4787, 4.1 */
	NAT_MAPPING_UNKNOWN,
	NAT_MAPPING_NONE,                 /* no translation: the outer address is this machine's own */
	NAT_MAPPING_ENDPOINT_INDEPENDENT,
	NAT_MAPPING_ADDRESS_DEPENDENT,
	NAT_MAPPING_ADDRESS_AND_PORT_DEPENDENT,
	NAT_MAPPING_DEPENDENT,            /* one of the last two; no server could tell which */
	NAT_MAPPING_COUNT
};

enum nat_filtering { /* RFC 4787, 5 */
	NAT_FILTERING_UNKNOWN,
	NAT_FILTERING_ENDPOINT_INDEPENDENT,
	NAT_FILTERING_ADDRESS_DEPENDENT,
	NAT_FILTERING_ADDRESS_AND_PORT_DEPENDENT,
	NAT_FILTERING_COUNT
};

enum nat_answer {
	NAT_UNKNOWN,
	NAT_YES,
	NAT_NO,
	NAT_ANSWER_COUNT
};

#define NAT_HOPS_MAX 6
/* So many addresses that are no STUN server of its list are asked over TCP in a check. */
#define NAT_STRANGERS_MAX 11

struct nat_report {
	uint32_t mapping;     /* enum nat_mapping */
	uint32_t filtering;   /* enum nat_filtering; UDP only, no server can test TCP's */
	uint32_t hairpinning; /* enum nat_answer: RFC 4787, 6; NAT_NO: what was sent did not arrive */
	uint32_t intercepted; /* enum nat_answer: did somebody answer for an address that nobody has? */
	uint32_t has_route;   /* 1: this machine has a route to the Internet */
	uint32_t asked;       /* STUN servers */
	uint32_t answered;    /* of these */
	uint32_t hop_count;
	struct addr hops[NAT_HOPS_MAX]; /* UDP: the first routers on the way out, port 0; unset: it is silent */
	struct addr inner;    /* the port that was checked, as this machine sees it; unset: no answer */
	struct addr outer;    /* as the servers see it; unset: no answer */
	struct addr server;   /* one of those that see it so; unset: no answer */
	char error[REPORT_ERROR_SIZE]; /* what the servers that did not answer did, or "" */
};

/* "endpoint-independent" and so on; the value must be below the enum's COUNT. */
const char *nat_mapping_name(enum nat_mapping m);
const char *nat_filtering_name(enum nat_filtering f);
/* "unknown", "yes", "no" */
const char *nat_answer_name(enum nat_answer a);

/* Does it keep its own rules: known values, sane addresses, printable text? */
bool nat_report_is_valid(const struct nat_report *r);

#endif
