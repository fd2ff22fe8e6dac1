/* SPDX-License-Identifier: ISC */
/*
 * How many connections or sessions each client has.  A client is an IPv4 address or, as who has one has
 * all of it, a network of 64 bits of IPv6 (RFC 6177).  Ports do not count.  Who has none costs nothing.
 */
#ifndef CLIENTS_H
#define CLIENTS_H

#include <stdint.h>

#include "addr.h"

struct clients;

/* Nobody has any.  NULL without memory. */
struct clients *clients_new(void);
/* clients may be NULL. */
void clients_free(struct clients *clients);

uint32_t clients_count(struct clients *clients, const struct addr *client);
/* It has one more.  Returns 0, or -1 without memory. */
int clients_enter(struct clients *clients, const struct addr *client);
/* It has one less; nothing happens if it has none. */
void clients_leave(struct clients *clients, const struct addr *client);

#endif
