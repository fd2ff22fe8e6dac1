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

/* So many servers are not down all at once. */
#define BLOCKED_MIN 3

/* Do servers answer over TCP alone?  If it is another one than those that were asked
 * over UDP, that may be these servers' own fault. */
static bool
is_blocked(const struct nat_report *udp, const struct nat_report *tcp, bool same_host)
{
	return udp->asked > 0 && udp->answered == 0 && tcp->answered > 0 && (same_host || udp->asked >= BLOCKED_MIN);
}

static enum checknat_type
udp_type_of(const struct nat_report *udp, const struct nat_report *tcp, bool same_host)
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
		return is_blocked(udp, tcp, same_host) ? TYPE_BLOCKED : TYPE_UNKNOWN;
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

static bool
is_intercepted(const struct checknat_part *p)
{
	return p->report.intercepted == NAT_YES || p->fake_address;
}

static enum nat_answer
udp_works(const struct checknat_part *udp, enum checknat_type type)
{
	if (is_intercepted(udp))
		return NAT_NO;
	if (type == TYPE_UNKNOWN)
		return NAT_UNKNOWN;
	return type == TYPE_OPEN || type == TYPE_FULL_CONE ? NAT_YES : NAT_NO;
}

/* Did both come through the same device? */
static bool
is_same_way(const struct nat_report *udp, const struct nat_report *tcp)
{
	return addr_same_ip(&udp->outer, &tcp->outer) &&
	       (udp->mapping == NAT_MAPPING_NONE) == (tcp->mapping == NAT_MAPPING_NONE);
}

/* No server can tell what is let in over TCP: UDP on the same way is the best witness.
 * A hairpin that came through is a weaker one, since it has met no firewall further
 * out, and counts only where UDP tells nothing. */
static enum nat_answer
tcp_works(const struct checknat_part *tcp, enum checknat_type type, const struct nat_report *udp,
    enum checknat_type udp_type)
{
	bool same_way = is_same_way(udp, &tcp->report);

	if (is_intercepted(tcp) || type == TYPE_SYMMETRIC)
		return NAT_NO;
	if (type != TYPE_CONE)
		return NAT_UNKNOWN;
	if (same_way && udp_type == TYPE_FIREWALL)
		return NAT_NO;
	if (same_way && (udp_type == TYPE_OPEN || udp_type == TYPE_FULL_CONE))
		return NAT_YES;
	return udp_type == TYPE_UNKNOWN && tcp->report.hairpinning == NAT_YES ? NAT_YES : NAT_UNKNOWN;
}

static enum nat_answer
both(enum nat_answer a, enum nat_answer b)
{
	if (a == NAT_NO || b == NAT_NO)
		return NAT_NO;
	return a == NAT_YES && b == NAT_YES ? NAT_YES : NAT_UNKNOWN;
}

struct checknat_judgement
checknat_judge(const struct checknat_result *result)
{
	const struct checknat_part *udp = &result->parts[PROTOCOL_UDP], *tcp = &result->parts[PROTOCOL_TCP];
	struct checknat_judgement j = {0};

	j.udp_type = udp_type_of(&udp->report, &tcp->report, result->same_host);
	j.tcp_type = tcp_type_of(&tcp->report);
	j.udp_works = udp_works(udp, j.udp_type);
	j.tcp_works = tcp_works(tcp, j.tcp_type, &udp->report, j.udp_type);
	j.works = both(j.udp_works, j.tcp_works);
	j.proxy = is_intercepted(udp) || is_intercepted(tcp);
	j.failed = !udp->reported || !tcp->reported;
	j.no_answers = udp->report.answered == 0 && tcp->report.answered == 0;
	j.no_network = j.no_answers && !j.failed && !udp->report.has_route;
	j.no_names = j.no_answers && udp->known == 0 && tcp->known == 0;
	j.no_version = j.no_answers && !j.no_names && udp->usable == 0 && tcp->usable == 0;
	return j;
}
