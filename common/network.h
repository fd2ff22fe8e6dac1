/* SPDX-License-Identifier: ISC */
/*
 * Networks: an address and how many of its first bits count, as "192.0.2.0/24" or "2001:db8::/32".
 * One of IPv4 that is written, or comes, inside IPv6 (RFC 4291, 2.5.5.2: "::ffff:192.0.2.0/120") is
 * the IPv4 one; no other network of IPv6, not even "::/0", has addresses of IPv4 in it.  No pointers and
 * no undefined bytes, so they are compared with memcmp and sent as they are.
 */
#ifndef NETWORK_H
#define NETWORK_H

#include <arpa/inet.h>

#include "addr.h"

struct network {
	uint8_t family;    /* AF_INET or AF_INET6 */
	uint8_t bits;      /* that count: at most 32 or 128; the others are 0 */
	uint8_t bytes[16]; /* of IPv4 the first four */
};

/* The longest address + "/128" + NUL. */
#define NETWORK_TEXT_SIZE (INET6_ADDRSTRLEN + 4)

/* Zero-filled: none. */
#define NETWORKS_MAX 32

struct networks {
	uint32_t count;
	struct network list[NETWORKS_MAX];
};

/* Parses "ADDRESS/BITS", or an address alone with all of its bits.  Returns 0, or -1 with errno:
 * EINVAL, or ERANGE if it has more bits than count: *out is then the network that it lies in. */
int network_parse(const char *text, struct network *out);

/* The network around an address: its first v4_bits or v6_bits bits. */
struct network network_around(const struct addr *a, unsigned int v4_bits, unsigned int v6_bits);

/* Is the address in one of them? */
bool networks_have(const struct networks *all, const struct addr *a);

/* As network_parse reads it, always with its bits.  Returns buf. */
const char *network_text(const struct network *n, char buf[NETWORK_TEXT_SIZE]);

#endif
