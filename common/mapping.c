/* SPDX-License-Identifier: ISC */
/*
 * What natterd and the import of a v0.9 configuration must see alike in
 * mappings; see mapping.h.
 */
#include "mapping.h"

#include <stdio.h>
#include <string.h>

/* At most "udp-", 45 characters of IPv6 and "-65535", which fits. */
void
mapping_derive_name(struct mapping *m)
{
	const struct addr *given = addr_is_set(&m->target) ? &m->target : &m->bind;
	char ip[ADDR_TEXT_SIZE];

	snprintf(m->name, sizeof(m->name), "%s-%.*s-%u", protocol_name(m->protocol), INET6_ADDRSTRLEN,
	    addr_ip_text(given, ip), addr_port(given));
}

bool
mapping_same_place(const struct mapping *a, const struct mapping *b)
{
	return a->protocol == b->protocol && memcmp(&a->bind, &b->bind, sizeof(a->bind)) == 0;
}

/* IPv4 and IPv6 sockets do not collide: natterd binds [::] for IPv6 alone. */
bool
mapping_binds_collide(const struct mapping *a, const struct mapping *b)
{
	if (a->protocol != b->protocol || a->bind.sa.sa_family != b->bind.sa.sa_family ||
	    addr_port(&a->bind) != addr_port(&b->bind) || addr_port(&a->bind) == 0)
		return false;
	return addr_same_ip(&a->bind, &b->bind) || addr_is_wildcard(&a->bind) || addr_is_wildcard(&b->bind);
}

bool
server_is_listed(const struct server *server, const struct server *list, uint32_t count)
{
	uint32_t i;

	for (i = 0; i < count; i++)
		if (strcmp(list[i].name, server->name) == 0 || addr_equal(&list[i].addr, &server->addr))
			return true;
	return false;
}
