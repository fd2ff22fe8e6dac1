/* SPDX-License-Identifier: ISC */
/*
 * Names and rules of a NAT check's result; see nat.h.
 */
#include "nat.h"

#include "text.h"

static const char *const mapping_names[NAT_MAPPING_COUNT] = {
    [NAT_MAPPING_UNKNOWN] = "unknown",
    [NAT_MAPPING_NONE] = "none",
    [NAT_MAPPING_ENDPOINT_INDEPENDENT] = "endpoint-independent",
    [NAT_MAPPING_ADDRESS_DEPENDENT] = "address-dependent",
    [NAT_MAPPING_ADDRESS_AND_PORT_DEPENDENT] = "address-and-port-dependent",
    [NAT_MAPPING_DEPENDENT] = "dependent",
};

static const char *const filtering_names[NAT_FILTERING_COUNT] = {
    [NAT_FILTERING_UNKNOWN] = "unknown",
    [NAT_FILTERING_ENDPOINT_INDEPENDENT] = "endpoint-independent",
    [NAT_FILTERING_ADDRESS_DEPENDENT] = "address-dependent",
    [NAT_FILTERING_ADDRESS_AND_PORT_DEPENDENT] = "address-and-port-dependent",
};

static const char *const answer_names[NAT_ANSWER_COUNT] = {
    [NAT_UNKNOWN] = "unknown",
    [NAT_YES] = "yes",
    [NAT_NO] = "no",
};

const char *
nat_mapping_name(enum nat_mapping m)
{
	return mapping_names[m];
}

const char *
nat_filtering_name(enum nat_filtering f)
{
	return filtering_names[f];
}

const char *
nat_answer_name(enum nat_answer a)
{
	return answer_names[a];
}

static bool
are_hops_sane(const struct nat_report *r)
{
	uint32_t i;

	if (r->hop_count > NAT_HOPS_MAX)
		return false;
	for (i = 0; i < r->hop_count; i++)
		if (r->hops[i].sa.sa_family != AF_UNSPEC && !addr_is_set(&r->hops[i]))
			return false;
	return true;
}

bool
nat_report_is_valid(const struct nat_report *r)
{
	if (r->mapping >= NAT_MAPPING_COUNT || r->filtering >= NAT_FILTERING_COUNT ||
	    r->hairpinning >= NAT_ANSWER_COUNT || r->intercepted >= NAT_ANSWER_COUNT || r->has_route > 1 ||
	    r->answered > r->asked || !are_hops_sane(r))
		return false;
	if (addr_is_set(&r->inner) != addr_is_set(&r->outer) || addr_is_set(&r->server) != addr_is_set(&r->outer) ||
	    addr_is_wildcard(&r->outer))
		return false;
	if (r->inner.sa.sa_family != r->outer.sa.sa_family || (addr_is_set(&r->outer) && addr_port(&r->outer) == 0))
		return false;
	if ((r->mapping != NAT_MAPPING_UNKNOWN) > addr_is_set(&r->outer))
		return false;
	return text_is_printable(r->error, sizeof(r->error));
}
