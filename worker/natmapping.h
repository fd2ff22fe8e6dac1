/* SPDX-License-Identifier: ISC */
/*
 * How a NAT maps (RFC 5780, 4.3, with more than one server): one port of this
 * machine asks several servers, and their alternate addresses, how they see it.
 * Over TCP every connection stays open until the end, so that the NAT keeps what
 * is compared.
 */
#ifndef NATMAPPING_H
#define NATMAPPING_H

#include "nat.h"
#include "probe.h"
#include "worker.h"

struct natmapping;

/* Called for each answer of a server of the list; *result is valid during the call. */
typedef void natmapping_answer(void *context, const struct server *server, const struct probe_result *result);
/* Called whenever natmapping_is_done may have become true. */
typedef void natmapping_progress(void *context);

/* Asks from the mapped port; servers, which may be empty, must outlive it. */
struct natmapping *natmapping_start(struct worker *worker, const struct servers *servers, natmapping_answer *answer,
    natmapping_progress *progress, void *context);
void natmapping_free(struct natmapping *m);

/* Is the verdict certain, or nobody left to be asked? */
bool natmapping_is_done(const struct natmapping *m);

/* Fills mapping, inner, outer, server, asked, answered and error. */
void natmapping_report(const struct natmapping *m, struct nat_report *report);

/* A server with an alternate address turned out to be unable to test filtering: another
 * one is looked for. */
void natmapping_reject_group(struct natmapping *m);

/* Can a server that told other answer from there, at another address and another port? */
bool natmapping_is_alternate(const struct addr *server, const struct addr *other);

/* Does the mapping depend on the destination, as far as is known? */
bool natmapping_is_dependent(const struct natmapping *m);

/* Did a server at this IP address answer? */
bool natmapping_has_answered(const struct natmapping *m, const struct addr *ip);

#endif
