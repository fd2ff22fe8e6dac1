/* SPDX-License-Identifier: ISC */
/*
 * Lists of servers of what is known of their names; see resolve.h.
 */
#include "resolve.h"

#include <stdio.h>
#include <string.h>

#include "resolve_name.h"

/* As it would stand in a URL of HTTP: that is where a keep-alive needs it. */
static void
name_server(struct server *server, const struct config_host *h)
{
	bool v6 = strchr(h->host, ':') != NULL;
	int n = snprintf(server->name, sizeof(server->name), v6 ? "[%s]" : "%s", h->host);

	if (h->port != 80)
		snprintf(server->name + n, sizeof(server->name) - (size_t)n, ":%u", h->port);
}

/* The address number rank of each host, as long as there is room. */
static uint32_t
take_rank(const struct config_hosts *hosts, uint32_t rank, sa_family_t family, struct server *list, uint32_t count)
{
	size_t i;

	for (i = 0; i < hosts->count && count < SERVERS_MAX; i++) {
		const struct config_host *h = &hosts->list[i];
		const struct resolve_name *n = resolve_find(h->host);
		struct server *server = &list[count];
		uint32_t seen = 0, j;

		for (j = 0; n != NULL && j < n->count; j++) {
			if (n->addresses[j].sa.sa_family != family || seen++ != rank)
				continue;
			name_server(server, h);
			server->addr = n->addresses[j];
			addr_set_port(&server->addr, h->port);
			count++;
			break;
		}
	}
	return count;
}

static uint32_t
list_servers(const struct config_hosts *hosts, sa_family_t family, struct server *list)
{
	uint32_t rank, count = 0;

	for (rank = 0; rank < LOOKUP_ADDRESSES_MAX; rank++)
		count = take_rank(hosts, rank, family, list, count);
	return count;
}

void
resolve_stun(const struct config_hosts *hosts, sa_family_t family, struct servers *out)
{
	memset(out, 0, sizeof(*out));
	out->stun_count = list_servers(hosts, family, out->stun);
}

static uint32_t
count_unresolved(const struct config_hosts *hosts)
{
	size_t i;

	for (i = 0; i < hosts->count; i++) {
		const struct resolve_name *n = resolve_find(hosts->list[i].host);

		if (n == NULL || n->count > 0 || !n->failing)
			return 0;
	}
	return (uint32_t)hosts->count;
}

void
resolve_servers(const struct config_mapping *mapping, struct servers *out)
{
	sa_family_t family = mapping->mapping.bind.sa.sa_family;

	resolve_stun(&mapping->stun, family, out);
	out->stun_unresolved = count_unresolved(&mapping->stun);
	out->keep_alive_count = list_servers(&mapping->keep_alive, family, out->keep_alive);
}
