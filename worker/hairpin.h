/* SPDX-License-Identifier: ISC */
/*
 * A hairpin probe (RFC 4787, 6): does what is sent from another port of this
 * machine to the mapping's own outside address arrive on the mapped port?  It
 * sends a STUN binding request with a random transaction ID, the most harmless
 * thing for whoever else may have that address, and recognises it by the ID.
 *
 * Whoever takes what arrives on the mapped port shows it to the probe first,
 * which so never gets to the mapping's target.
 */
#ifndef HAIRPIN_H
#define HAIRPIN_H

#include <stdbool.h>
#include <stddef.h>

#include "worker.h"

struct hairpin;

/* reached: what was sent to the outer address arrived on the mapped port; else: it did
 * not within about 4 s, which says nothing about strangers.  The handler may call
 * hairpin_free, or keep h: a late copy of a datagram is recognised until then. */
typedef void hairpin_done(void *context, bool reached);

struct hairpin *hairpin_start(struct worker *worker, const struct addr *outer, hairpin_done *done, void *context);
/* Gives back what it holds.  h may be NULL. */
void hairpin_free(struct hairpin *h);

/* TCP: a connection that was accepted on the mapped port.  Returns true if the probe
 * takes fd over because it may be its own: that is so for at most a second, while its
 * own end is connected or may be without its knowledge.  If it turns out to be a client's, because it sends or ends, or
 * if the probe ends, it is handed to worker->on_stray_connection with nothing read from
 * it.  h may be NULL. */
bool hairpin_claim_connection(struct hairpin *h, int fd, const struct addr *peer);

/* UDP: returns true if this datagram, which arrived on the mapped port, is the probe's
 * own.  Then the probe is over, and done was called with reached.  h may be NULL. */
bool hairpin_claim_datagram(struct hairpin *h, const void *data, size_t length);

#endif
