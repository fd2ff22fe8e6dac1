/* SPDX-License-Identifier: ISC */
/*
 * What servers see; see natview.h.
 */
#include "natview.h"

#include <stddef.h>

uint32_t
natview_count(const struct natview *v, enum natview_outcome outcome)
{
	uint32_t i, n = 0;

	for (i = 0; i < v->ask_count; i++)
		n += v->asks[i].outcome == outcome;
	return n;
}

const struct natview_ask *
natview_find(const struct natview *v, const struct addr *server)
{
	uint32_t i;

	for (i = 0; i < v->ask_count; i++)
		if (addr_equal(&v->asks[i].server, server))
			return &v->asks[i];
	return NULL;
}

static bool
agree(const struct natview_ask *a, const struct natview_ask *b)
{
	return a->outcome == NATVIEW_ANSWERED && b->outcome == NATVIEW_ANSWERED &&
	       !addr_same_ip(&a->server, &b->server) && addr_equal(&a->mapped, &b->mapped);
}

const struct natview_ask *
natview_find_agreed(const struct natview *v)
{
	uint32_t i, j;

	for (i = 0; i < v->ask_count; i++)
		for (j = 0; j < i; j++)
			if (agree(&v->asks[i], &v->asks[j]))
				return &v->asks[j];
	return NULL;
}

const struct natview_ask *
natview_find_best(const struct natview *v)
{
	const struct natview_ask *agreed = natview_find_agreed(v);
	uint32_t i;

	for (i = 0; agreed == NULL && i < v->ask_count; i++)
		if (v->asks[i].outcome == NATVIEW_ANSWERED)
			return &v->asks[i];
	return agreed;
}

bool
natview_has_answered(const struct natview *v, const struct addr *ip)
{
	uint32_t i;

	for (i = 0; i < v->ask_count; i++)
		if (v->asks[i].outcome == NATVIEW_ANSWERED && addr_same_ip(&v->asks[i].server, ip))
			return true;
	return false;
}

bool
natview_has_two_addresses(const struct natview *v)
{
	const struct natview_ask *one = natview_find_best(v);
	uint32_t i;

	for (i = 0; one != NULL && i < v->ask_count; i++)
		if (v->asks[i].outcome == NATVIEW_ANSWERED && !addr_same_ip(&v->asks[i].server, &one->server))
			return true;
	return false;
}

static const struct natview_group *
find_complete_group(const struct natview *v)
{
	uint32_t i;

	for (i = 0; i < v->group_count; i++)
		if (v->groups[i].other_ip->outcome == NATVIEW_ANSWERED &&
		    v->groups[i].other_ip_and_port->outcome == NATVIEW_ANSWERED)
			return &v->groups[i];
	return NULL;
}

bool
natview_has_complete_group(const struct natview *v)
{
	return find_complete_group(v) != NULL;
}

enum nat_mapping
natview_judge(const struct natview *v)
{
	const struct natview_ask *agreed = natview_find_agreed(v);
	const struct natview_group *g = find_complete_group(v);

	if (agreed != NULL)
		return addr_equal(&agreed->mapped, &agreed->local) ? NAT_MAPPING_NONE
								     : NAT_MAPPING_ENDPOINT_INDEPENDENT;
	if (!natview_has_two_addresses(v))
		return NAT_MAPPING_UNKNOWN;
	if (g == NULL)
		return NAT_MAPPING_DEPENDENT;
	return addr_equal(&g->other_ip->mapped, &g->other_ip_and_port->mapped)
		   ? NAT_MAPPING_ADDRESS_DEPENDENT
		   : NAT_MAPPING_ADDRESS_AND_PORT_DEPENDENT;
}
