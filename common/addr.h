/* SPDX-License-Identifier: ISC */
/*
 * Addresses: an IPv4 or IPv6 address with a port, as text and as a socket
 * address.  Promises: a struct addr has no pointers and, made by the functions
 * here, no undefined bytes, so it is copied and sent as it is.  Never looks a
 * name up.
 */
#ifndef ADDR_H
#define ADDR_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

struct addr {
	union {
		struct sockaddr sa; /* sa_family AF_UNSPEC: no address */
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	};
};

/* "[" + the longest IPv6 text + "]:65535", with the terminating NUL. */
#define ADDR_TEXT_SIZE (INET6_ADDRSTRLEN + 8)
/* The longest DNS name (RFC 1035, 253 characters) + ":65535" + NUL. */
#define ADDR_HOST_SIZE 264

/* Parses "1.2.3.4", "1.2.3.4:80", "::1" or "[::1]:80"; without a port it takes
 * default_port.  Returns 0, or -1 with errno EINVAL. */
int addr_parse(const char *text, uint16_t default_port, struct addr *out);

/* The same for an address of this machine, of which a port alone is enough: "80" and
 * ":80" are on 0.0.0.0.  Without a port it takes 0. */
int addr_parse_local(const char *text, struct addr *out);

/* Splits "host", "host:port", "1.2.3.4:port", "::1" or "[::1]:port" into the
 * host (without brackets) and the port, 1 to 65535.  The host is checked to be
 * a numeric address or a name of RFC 1123's letters; it is not looked up.
 * Returns 0, or -1 with errno EINVAL. */
int addr_split(const char *text, uint16_t default_port, char host[ADDR_HOST_SIZE], uint16_t *port);

/* Copies a kernel's or resolver's socket address.  Returns 0, or -1 with errno
 * EAFNOSUPPORT for anything but IPv4 and IPv6. */
int addr_from_sockaddr(const struct sockaddr *sa, struct addr *out);

/* The length that bind(2), connect(2) and sendto(2) want; 0 for no address. */
socklen_t addr_len(const struct addr *a);

/* The local and the remote address of a socket; no address if it has none. */
struct addr addr_of_socket(int fd);
struct addr addr_of_peer(int fd);

bool addr_is_set(const struct addr *a);
/* 0.0.0.0 or [::] */
bool addr_is_wildcard(const struct addr *a);
bool addr_is_loopback(const struct addr *a);
/* Could a host elsewhere have it?  Not so for the wildcard and 0.0.0.0/8, loopback,
 * link-local, multicast and broadcast addresses (RFC 6890). */
bool addr_is_routable(const struct addr *a);
/* One that many networks use inside: RFC 1918, 100.64.0.0/10 (RFC 6598) of carriers, or
 * fc00::/7 (RFC 4193)? */
bool addr_is_private(const struct addr *a);
bool addr_equal(const struct addr *a, const struct addr *b);
bool addr_same_ip(const struct addr *a, const struct addr *b);

/* In host byte order; 0 if there is none. */
uint16_t addr_port(const struct addr *a);
void addr_set_port(struct addr *a, uint16_t port);

/* "1.2.3.4:80", "[::1]:80", and "" for no address.  Returns buf. */
const char *addr_text(const struct addr *a, char buf[ADDR_TEXT_SIZE]);
/* The same without brackets and port. */
const char *addr_ip_text(const struct addr *a, char buf[ADDR_TEXT_SIZE]);

#endif
