/* SPDX-License-Identifier: ISC */
/*
 * What a NAT lets in over UDP (RFC 5780, 4.4, and RFC 3489, 10.1): a port that has
 * never been used asks one server to answer from its other address, and from its
 * other port.  Whatever that port had sent elsewhere would make the answer wrong,
 * so it sends to this one address alone.
 */
#ifndef NATFILTERING_H
#define NATFILTERING_H

#include "nat.h"
#include "worker.h"

struct natfiltering;

/* Called once.  NAT_FILTERING_UNKNOWN: the server cannot do it.  Anything but
 * NAT_FILTERING_ENDPOINT_INDEPENDENT rests on silence: it counts only if the server's
 * other address is known to be alive. */
typedef void natfiltering_done(void *context, enum nat_filtering result);

/* other is the server's alternate address and port, both different from its own. */
struct natfiltering *natfiltering_start(struct worker *worker, const struct server *server, const struct addr *other,
    natfiltering_done *done, void *context);
void natfiltering_free(struct natfiltering *f);

#endif
