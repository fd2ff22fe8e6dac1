/* SPDX-License-Identifier: ISC */
/*
 * Networks as text and as bits; see network.h.
 */
#include "network.h"

#include <bsd/string.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The bits of "::ffff:0:0/96". */
#define MAPPED_BITS 96

static unsigned int
length_of(const struct network *n)
{
	return n->family == AF_INET ? 32 : 128;
}

static bool
is_mapped(const struct network *n)
{
	static const uint8_t prefix[MAPPED_BITS / 8] = {[10] = 0xff, [11] = 0xff};

	return n->family == AF_INET6 && memcmp(n->bytes, prefix, sizeof(prefix)) == 0;
}

/* An IPv4 address in IPv6 becomes itself; one of fewer bits than tell that it is one stays. */
static void
unmap(struct network *n)
{
	if (!is_mapped(n) || n->bits < MAPPED_BITS)
		return;
	n->family = AF_INET;
	n->bits -= MAPPED_BITS;
	memmove(n->bytes, n->bytes + MAPPED_BITS / 8, 4);
	memset(n->bytes + 4, 0, sizeof(n->bytes) - 4);
}

/* Leaves bits of it.  Were the others 0 before? */
static bool
keep_bits(struct network *n, unsigned int bits)
{
	struct network old = *n;
	size_t i = bits / 8;

	n->bits = (uint8_t)bits;
	if (bits % 8 != 0) {
		n->bytes[i] &= (uint8_t)(0xff00 >> bits % 8);
		i++;
	}
	memset(n->bytes + i, 0, sizeof(n->bytes) - i);
	return memcmp(old.bytes, n->bytes, sizeof(n->bytes)) == 0;
}

/* All bits of the address before the slash. */
static int
parse_address(const char *text, size_t length, struct network *out)
{
	char ip[INET6_ADDRSTRLEN];

	if (length >= sizeof(ip))
		return -1;
	memcpy(ip, text, length);
	ip[length] = '\0';
	out->family = strchr(ip, ':') != NULL ? AF_INET6 : AF_INET;
	out->bits = (uint8_t)length_of(out);
	return inet_pton(out->family, ip, out->bytes) == 1 ? 0 : -1;
}

/* Decimal, up to the length of n's addresses; -1 if it is not. */
static int
parse_bits(const char *text, const struct network *n)
{
	int bits = atoi(text);

	if (!isdigit((unsigned char)text[0]) || strspn(text, "0123456789") != strlen(text) || strlen(text) > 3)
		return -1;
	return bits <= (int)length_of(n) ? bits : -1;
}

int
network_parse(const char *text, struct network *out)
{
	size_t length = strcspn(text, "/");
	int bits;
	bool is_whole;

	memset(out, 0, sizeof(*out));
	errno = EINVAL;
	if (parse_address(text, length, out) < 0)
		return -1;
	bits = text[length] == '/' ? parse_bits(text + length + 1, out) : (int)length_of(out);
	if (bits < 0)
		return -1;
	is_whole = keep_bits(out, (unsigned int)bits);
	unmap(out);
	errno = ERANGE;
	return is_whole ? 0 : -1;
}

struct network
network_around(const struct addr *a, unsigned int v4_bits, unsigned int v6_bits)
{
	struct network n = {.family = (uint8_t)a->sa.sa_family};

	if (a->sa.sa_family == AF_INET)
		memcpy(n.bytes, &a->v4.sin_addr, sizeof(a->v4.sin_addr));
	else
		memcpy(n.bytes, &a->v6.sin6_addr, sizeof(a->v6.sin6_addr));
	n.bits = (uint8_t)length_of(&n);
	unmap(&n);
	keep_bits(&n, n.family == AF_INET ? v4_bits : v6_bits);
	return n;
}

static bool
has(const struct network *n, const struct network *address)
{
	size_t whole = n->bits / 8;
	unsigned int rest = n->bits % 8;

	if (n->family != address->family || memcmp(n->bytes, address->bytes, whole) != 0)
		return false;
	return rest == 0 || (n->bytes[whole] ^ address->bytes[whole]) >> (8 - rest) == 0;
}

bool
networks_have(const struct networks *all, const struct addr *a)
{
	struct network address;
	uint32_t i;

	if (all->count == 0)
		return false;
	address = network_around(a, 32, 128);
	for (i = 0; i < all->count; i++)
		if (has(&all->list[i], &address))
			return true;
	return false;
}

const char *
network_text(const struct network *n, char buf[NETWORK_TEXT_SIZE])
{
	char ip[INET6_ADDRSTRLEN];

	if (inet_ntop(n->family, n->bytes, ip, sizeof(ip)) == NULL)
		ip[0] = '\0';
	snprintf(buf, NETWORK_TEXT_SIZE, "%s/%u", ip, n->bits);
	return buf;
}
