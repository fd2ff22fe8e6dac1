/* SPDX-License-Identifier: ISC */
/*
 * Text and socket addresses; see addr.h.
 */
#include "addr.h"

#include <arpa/inet.h>
#include <bsd/stdlib.h>
#include <bsd/string.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

static int
invalid(void)
{
	errno = EINVAL;
	return -1;
}

static int
parse_port(const char *text, uint16_t *port)
{
	const char *error;
	long long n;

	if (!isdigit((unsigned char)text[0]))
		return invalid();
	n = strtonum(text, 1, 65535, &error);
	if (error != NULL)
		return invalid();
	*port = (uint16_t)n;
	return 0;
}

/* Where the host ends and where the port begins (NULL: no port given). */
static int
find_parts(const char *text, const char **host, size_t *host_length, const char **port)
{
	const char *end, *colon;

	if (text[0] == '[') {
		end = strchr(text, ']');
		if (end == NULL || (end[1] != '\0' && end[1] != ':'))
			return invalid();
		*host = text + 1;
		*host_length = (size_t)(end - text - 1);
		*port = end[1] == ':' ? end + 2 : NULL;
		return 0;
	}
	colon = strchr(text, ':');
	if (colon != NULL && strchr(colon + 1, ':') != NULL)
		colon = NULL; /* several colons without brackets: an IPv6 address alone */
	*host = text;
	*host_length = colon != NULL ? (size_t)(colon - text) : strlen(text);
	*port = colon != NULL ? colon + 1 : NULL;
	return 0;
}

static int
split(const char *text, uint16_t default_port, char host[ADDR_HOST_SIZE], uint16_t *port)
{
	const char *host_at, *port_at;
	size_t length;

	if (find_parts(text, &host_at, &length, &port_at) < 0)
		return -1;
	if (length == 0 || length >= ADDR_HOST_SIZE)
		return invalid();
	memcpy(host, host_at, length);
	host[length] = '\0';
	*port = default_port;
	return port_at != NULL ? parse_port(port_at, port) : 0;
}

static int
parse_ip(const char *host, struct addr *out)
{
	memset(out, 0, sizeof(*out));
	if (inet_pton(AF_INET, host, &out->v4.sin_addr) == 1) {
		out->sa.sa_family = AF_INET;
		return 0;
	}
	memset(out, 0, sizeof(*out));
	if (inet_pton(AF_INET6, host, &out->v6.sin6_addr) == 1) {
		out->sa.sa_family = AF_INET6;
		return 0;
	}
	return invalid();
}

int
addr_parse(const char *text, uint16_t default_port, struct addr *out)
{
	char host[ADDR_HOST_SIZE];
	uint16_t port;

	if (split(text, default_port, host, &port) < 0 || parse_ip(host, out) < 0)
		return invalid();
	/* "[1.2.3.4]" is nobody's notation: brackets are for IPv6. */
	if (text[0] == '[' && out->sa.sa_family != AF_INET6)
		return invalid();
	addr_set_port(out, port);
	return 0;
}

int
addr_parse_local(const char *text, struct addr *out)
{
	const char *digits = text[0] == ':' ? text + 1 : text;
	uint16_t port;

	if (digits[0] == '\0' || digits[strspn(digits, "0123456789")] != '\0')
		return addr_parse(text, 0, out);
	return parse_port(digits, &port) < 0 ? -1 : addr_parse("0.0.0.0", port, out);
}

/* RFC 1123, 2.1: letters, digits and hyphens between dots; the underscore is
 * no letter of a host name but is met in practice. */
static bool
is_host_name(const char *host)
{
	bool letters = false;
	const char *p;

	if (host[0] == '.' || host[0] == '-')
		return false;
	for (p = host; *p != '\0'; p++) {
		if (!isalnum((unsigned char)*p) && strchr("-._", *p) == NULL)
			return false;
		if (p[0] == '.' && p[1] == '.')
			return false;
		letters = letters || !(isdigit((unsigned char)*p) || *p == '.');
	}
	/* All digits and dots was meant to be an address: 1.2.3 or 1.2.3.400. */
	return letters;
}

int
addr_split(const char *text, uint16_t default_port, char host[ADDR_HOST_SIZE], uint16_t *port)
{
	struct addr ip;

	if (split(text, default_port, host, port) < 0)
		return -1;
	if (parse_ip(host, &ip) == 0)
		return text[0] == '[' && ip.sa.sa_family != AF_INET6 ? invalid() : 0;
	return text[0] != '[' && is_host_name(host) ? 0 : invalid();
}

int
addr_from_sockaddr(const struct sockaddr *sa, struct addr *out)
{
	const struct sockaddr_in *v4 = (const void *)sa;
	const struct sockaddr_in6 *v6 = (const void *)sa;

	memset(out, 0, sizeof(*out));
	if (sa->sa_family == AF_INET) {
		out->v4.sin_family = AF_INET;
		out->v4.sin_port = v4->sin_port;
		out->v4.sin_addr = v4->sin_addr;
		return 0;
	}
	if (sa->sa_family == AF_INET6) {
		out->v6.sin6_family = AF_INET6;
		out->v6.sin6_port = v6->sin6_port;
		out->v6.sin6_addr = v6->sin6_addr;
		out->v6.sin6_scope_id = v6->sin6_scope_id;
		return 0;
	}
	errno = EAFNOSUPPORT;
	return -1;
}

socklen_t
addr_len(const struct addr *a)
{
	switch (a->sa.sa_family) {
	case AF_INET:
		return sizeof(a->v4);
	case AF_INET6:
		return sizeof(a->v6);
	default:
		return 0;
	}
}

static struct addr
ask_socket(int fd, int (*ask)(int, struct sockaddr *, socklen_t *))
{
	struct sockaddr_storage storage = {0};
	socklen_t length = sizeof(storage);
	struct addr a;

	if (ask(fd, (struct sockaddr *)&storage, &length) < 0 ||
	    addr_from_sockaddr((struct sockaddr *)&storage, &a) < 0)
		memset(&a, 0, sizeof(a));
	return a;
}

struct addr
addr_of_socket(int fd)
{
	return ask_socket(fd, getsockname);
}

struct addr
addr_of_peer(int fd)
{
	return ask_socket(fd, getpeername);
}

bool
addr_is_set(const struct addr *a)
{
	return addr_len(a) != 0;
}

bool
addr_is_wildcard(const struct addr *a)
{
	if (a->sa.sa_family == AF_INET6)
		return IN6_IS_ADDR_UNSPECIFIED(&a->v6.sin6_addr);
	return a->sa.sa_family == AF_INET && a->v4.sin_addr.s_addr == htonl(INADDR_ANY);
}

bool
addr_is_loopback(const struct addr *a)
{
	if (a->sa.sa_family == AF_INET6)
		return IN6_IS_ADDR_LOOPBACK(&a->v6.sin6_addr);
	return a->sa.sa_family == AF_INET && (ntohl(a->v4.sin_addr.s_addr) >> 24) == 127;
}

bool
addr_is_routable(const struct addr *a)
{
	const struct in6_addr *v6 = &a->v6.sin6_addr;
	uint32_t v4 = ntohl(a->v4.sin_addr.s_addr);

	if (a->sa.sa_family == AF_INET6)
		return !IN6_IS_ADDR_UNSPECIFIED(v6) && !IN6_IS_ADDR_LOOPBACK(v6) && !IN6_IS_ADDR_LINKLOCAL(v6) &&
		       !IN6_IS_ADDR_MULTICAST(v6);
	return a->sa.sa_family == AF_INET && v4 >> 24 != 0 && v4 >> 24 != 127 && v4 >> 16 != 0xa9fe && v4 >> 28 < 0xe;
}

bool
addr_is_private(const struct addr *a)
{
	uint32_t v4 = ntohl(a->v4.sin_addr.s_addr);

	if (a->sa.sa_family == AF_INET6)
		return (a->v6.sin6_addr.s6_addr[0] & 0xfe) == 0xfc;
	return a->sa.sa_family == AF_INET && (v4 >> 24 == 10 || v4 >> 20 == 0xac1 || v4 >> 16 == 0xc0a8 ||
						v4 >> 22 == (0x64400000 >> 22));
}

bool
addr_same_ip(const struct addr *a, const struct addr *b)
{
	if (a->sa.sa_family != b->sa.sa_family)
		return false;
	if (a->sa.sa_family == AF_INET6)
		return memcmp(&a->v6.sin6_addr, &b->v6.sin6_addr, sizeof(a->v6.sin6_addr)) == 0;
	return a->sa.sa_family != AF_INET || a->v4.sin_addr.s_addr == b->v4.sin_addr.s_addr;
}

bool
addr_equal(const struct addr *a, const struct addr *b)
{
	return addr_same_ip(a, b) && addr_port(a) == addr_port(b);
}

uint16_t
addr_port(const struct addr *a)
{
	switch (a->sa.sa_family) {
	case AF_INET:
		return ntohs(a->v4.sin_port);
	case AF_INET6:
		return ntohs(a->v6.sin6_port);
	default:
		return 0;
	}
}

void
addr_set_port(struct addr *a, uint16_t port)
{
	if (a->sa.sa_family == AF_INET)
		a->v4.sin_port = htons(port);
	else if (a->sa.sa_family == AF_INET6)
		a->v6.sin6_port = htons(port);
}

const char *
addr_ip_text(const struct addr *a, char buf[ADDR_TEXT_SIZE])
{
	const void *ip = a->sa.sa_family == AF_INET6 ? (const void *)&a->v6.sin6_addr
						      : (const void *)&a->v4.sin_addr;

	if (!addr_is_set(a) || inet_ntop(a->sa.sa_family, ip, buf, ADDR_TEXT_SIZE) == NULL)
		buf[0] = '\0';
	return buf;
}

const char *
addr_text(const struct addr *a, char buf[ADDR_TEXT_SIZE])
{
	char ip[ADDR_TEXT_SIZE];

	if (!addr_is_set(a)) {
		buf[0] = '\0';
		return buf;
	}
	snprintf(buf, ADDR_TEXT_SIZE, a->sa.sa_family == AF_INET6 ? "[%.*s]:%u" : "%.*s:%u",
	    INET6_ADDRSTRLEN, addr_ip_text(a, ip), addr_port(a));
	return buf;
}
