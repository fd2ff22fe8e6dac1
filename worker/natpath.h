/* SPDX-License-Identifier: ISC */
/*
 * What lies between this machine and the Internet besides the NAT: is there a
 * route at all, do several routers with private addresses follow one another
 * (over UDP, by the ICMP errors that they send), and does somebody answer in place
 * of the servers (an address that nobody has must stay silent).
 */
#ifndef NATPATH_H
#define NATPATH_H

#include "nat.h"
#include "worker.h"

struct natpath;

/* Does the kernel know a way to the Internet for this address family?  Sends nothing. */
bool natpath_has_route(sa_family_t family);

typedef void natpath_done(void *context);

/* Looks for at most 4 seconds, in the direction of the server. */
struct natpath *natpath_start(struct worker *worker, const struct addr *server, natpath_done *done, void *context);
void natpath_free(struct natpath *p);

bool natpath_is_done(const struct natpath *p);
/* Fills intercepted, hops and hop_count with what is known by now. */
void natpath_report(const struct natpath *p, struct nat_report *report);

#endif
