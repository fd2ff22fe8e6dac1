/* SPDX-License-Identifier: ISC */
/*
 * The rules of a NAT check; see checknat_judge.h.
 */
#include "checknat_judge.h"

/* v0.9's words */
static const char *const type_names[TYPE_COUNT] = {
    [TYPE_UNKNOWN] = "Unknown",
    [TYPE_OPEN] = "Open Internet",
    [TYPE_FIREWALL] = "Symmetric UDP firewall",
    [TYPE_FULL_CONE] = "Full cone (NAT 1)",
    [TYPE_RESTRICTED] = "Restricted (NAT 2)",
    [TYPE_PORT_RESTRICTED] = "Port restricted (NAT 3)",
    [TYPE_SYMMETRIC] = "Symmetric (NAT 4)",
    [TYPE_BLOCKED] = "UDP blocked",
    [TYPE_CONE] = "Cone",
};

const char *
checknat_type_name(enum checknat_type type, enum protocol protocol)
{
	return protocol == PROTOCOL_TCP && type == TYPE_SYMMETRIC ? "Symmetric" : type_names[type];
}

static enum checknat_type
udp_type_of(const struct nat_report *udp, const struct nat_report *tcp)
{
	static const enum checknat_type by_filtering[NAT_FILTERING_COUNT] = {
	    [NAT_FILTERING_UNKNOWN] = TYPE_UNKNOWN,
	    [NAT_FILTERING_ENDPOINT_INDEPENDENT] = TYPE_FULL_CONE,
	    [NAT_FILTERING_ADDRESS_DEPENDENT] = TYPE_RESTRICTED,
	    [NAT_FILTERING_ADDRESS_AND_PORT_DEPENDENT] = TYPE_PORT_RESTRICTED,
	};
	enum checknat_type cone = by_filtering[udp->filtering];

	switch (udp->mapping) {
	case NAT_MAPPING_UNKNOWN:
		return udp->asked > 0 && udp->answered == 0 && tcp->answered > 0 ? TYPE_BLOCKED : TYPE_UNKNOWN;
	case NAT_MAPPING_NONE:
		return cone == TYPE_FULL_CONE ? TYPE_OPEN : cone == TYPE_UNKNOWN ? TYPE_UNKNOWN : TYPE_FIREWALL;
	case NAT_MAPPING_ENDPOINT_INDEPENDENT:
		return cone;
	default:
		return TYPE_SYMMETRIC;
	}
}

static enum checknat_type
tcp_type_of(const struct nat_report *tcp)
{
	switch (tcp->mapping) {
	case NAT_MAPPING_UNKNOWN:
		return TYPE_UNKNOWN;
	case NAT_MAPPING_NONE:
	case NAT_MAPPING_ENDPOINT_INDEPENDENT:
		return TYPE_CONE;
	default:
		return TYPE_SYMMETRIC;
	}
}

static enum nat_answer
udp_works(enum checknat_type type)
{
	if (type == TYPE_UNKNOWN)
		return NAT_UNKNOWN;
	return type == TYPE_OPEN || type == TYPE_FULL_CONE ? NAT_YES : NAT_NO;
}

/* No server can tell what is let in over TCP: the same device's UDP is the best
 * witness, and a hairpin that came through another one. */
static enum nat_answer
tcp_works(enum checknat_type type, enum checknat_type udp, enum nat_answer hairpinning)
{
	if (type == TYPE_SYMMETRIC || (type == TYPE_CONE && udp == TYPE_FIREWALL))
		return NAT_NO;
	if (type == TYPE_CONE && (udp == TYPE_OPEN || udp == TYPE_FULL_CONE || hairpinning == NAT_YES))
		return NAT_YES;
	return NAT_UNKNOWN;
}

static enum nat_answer
both(enum nat_answer a, enum nat_answer b)
{
	if (a == NAT_NO || b == NAT_NO)
		return NAT_NO;
	return a == NAT_YES && b == NAT_YES ? NAT_YES : NAT_UNKNOWN;
}

static bool
is_intercepted(const struct checknat_part *p)
{
	return p->report.intercepted == NAT_YES || p->fake_address;
}

struct checknat_judgement
checknat_judge(const struct checknat_result *result)
{
	const struct checknat_part *udp = &result->parts[PROTOCOL_UDP], *tcp = &result->parts[PROTOCOL_TCP];
	struct checknat_judgement j = {0};

	j.udp_type = udp_type_of(&udp->report, &tcp->report);
	j.tcp_type = tcp_type_of(&tcp->report);
	j.udp_works = udp_works(j.udp_type);
	j.tcp_works = tcp_works(j.tcp_type, j.udp_type, (enum nat_answer)tcp->report.hairpinning);
	j.no_answers = udp->report.answered == 0 && tcp->report.answered == 0;
	j.no_network = j.no_answers && udp->reported && !udp->report.has_route;
	j.no_names = j.no_answers && udp->resolved == 0 && tcp->resolved == 0;
	j.proxy = is_intercepted(udp) || is_intercepted(tcp);
	j.works = j.proxy ? NAT_NO : both(j.udp_works, j.tcp_works);
	return j;
}
