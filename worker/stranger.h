/* SPDX-License-Identifier: ISC */
/*
 * Does a stranger's datagram get in to the mapped UDP port?  The stranger is the
 * alternate address of a STUN server (RFC 5780, 4.4: filtering behaviour), which
 * the server is asked to answer from.  An answer tells whoever owns the port; silence
 * only if no packet filter of this machine passes on to another what comes in there.
 *
 *     mapped port --------- binding request ---------> server    tells its alternate address
 *     mapped port ---- change IP and port, please ---> server
 *     mapped port <------------- answer ------------ alternate   a stranger got in
 *
 * Silence means something only if the same question is answered on a port whose NAT
 * mapping knows the alternate address:
 *
 *     other port  --------- binding request ---------> alternate
 *     other port  ---- change IP and port, please ---> server
 *     other port  <------------- answer ------------ alternate   so strangers were kept out
 */
#ifndef STRANGER_H
#define STRANGER_H

#include <stdbool.h>

#include "report.h"
#include "worker.h"

/* The IP addresses that the mapped port may have written to: a NAT may let them in, as
 * no strangers.  The newest ones; ports are ignored. */
#define ACQUAINTANCES_MAX 64

struct acquaintances {
	struct addr all[ACQUAINTANCES_MAX];
	unsigned int next;
};

void acquaintances_add(struct acquaintances *a, const struct addr *addr);
bool acquaintances_include(const struct acquaintances *a, const struct addr *addr);

struct stranger;

/* Called once.  The handler may call stranger_free, or keep it: a late copy of an
 * answer is recognised until then. */
typedef void stranger_done(void *context, enum reach reach);

/* Asks the STUN servers one after another until one can tell; that takes 40 s if
 * strangers are kept out.  *servers, which must not be empty, and *known must outlive
 * it and may change. */
struct stranger *stranger_start(struct worker *worker, const struct servers *servers,
    const struct acquaintances *known, stranger_done *done, void *context);
/* s may be NULL. */
void stranger_free(struct stranger *s);

/* Is a datagram that arrived on the mapped port an answer to this, and no client's?  s
 * may be NULL. */
bool stranger_claim_datagram(const struct stranger *s, const struct addr *from, const void *data, size_t length);

#endif
