/* SPDX-License-Identifier: ISC */
/*
 * What a NAT check means; see checknat_verdict.h.
 */
#include "checknat_verdict.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "checknat_judge.h"
#include "log.h"

struct verdict {
	const struct checknat_part *udp;
	const struct checknat_part *tcp;
	struct checknat_judgement j;
	bool ipv6;
	struct json_object *messages;
};

static void __attribute__((format(printf, 2, 3)))
say(struct verdict *v, const char *format, ...)
{
	char *text;
	va_list args;
	int length;

	va_start(args, format);
	length = vasprintf(&text, format, args);
	va_end(args);
	if (length < 0)
		fatal("natterd: out of memory");
	json_object_array_add(v->messages, json_object_new_string(text));
	free(text);
}

static void
say_tried(struct verdict *v, const char *protocol, const struct nat_report *r)
{
	if (r->error[0] != '\0')
		say(v, "Tried over %s: %s.", protocol, r->error);
}

/* Why nothing is known. */
static void
say_silence(struct verdict *v)
{
	const char *version = v->ipv6 ? "IPv6" : "IPv4";

	if (v->j.no_network) {
		say(v, "There is no network: this machine has no route to the %s Internet. Check its cable or Wi-Fi, its "
		       "address and its default gateway.%s",
		    version, v->ipv6 ? " Without SRC_IP the check is about IPv4." : "");
	} else if (v->j.no_names) {
		say(v, "There is no DNS: none of the STUN servers' names has an address. Check /etc/resolv.conf and the name "
		       "server that it names, or give servers by their addresses in natter.cfg.");
	} else if (v->j.no_version) {
		say(v, "None of the STUN servers has an %s address. Name some that have in natter.cfg%s.", version,
		    v->ipv6 ? ", or leave SRC_IP out to check IPv4" : "");
	} else {
		say(v, "No public STUN server is available. Please check your Internet connection.");
		say_tried(v, "UDP", &v->udp->report);
		say_tried(v, "TCP", &v->tcp->report);
		say(v, "If everything else works, a firewall in between keeps STUN (port 3478, UDP and TCP) from passing: "
		       "allow it there, or name servers at another port in natter.cfg.");
	}
}

static void
say_proxy(struct verdict *v)
{
	if (v->udp->report.intercepted == NAT_YES || v->tcp->report.intercepted == NAT_YES)
		say(v, "A transparent proxy answers in place of the servers: over %s even an address that nobody has gave an "
		       "answer. What was found there describes the proxy.",
		    v->udp->report.intercepted != NAT_YES ? "TCP" : v->tcp->report.intercepted != NAT_YES ? "UDP" : "UDP and TCP");
	else
		say(v, "The servers' names have addresses in 198.18.0.0/15, which only a transparent proxy gives out.");
	say(v, "Exempt this machine from the proxy, on your router as a rule: all of its traffic, or that to ports 80 and "
	       "3478. Then check again.");
}

/* Carriers route through such addresses without a NAT too, so it is a hint. */
static unsigned int
count_private(const struct nat_report *r)
{
	unsigned int i, n = 0;

	for (i = 0; i < r->hop_count; i++)
		n += addr_is_private(&r->hops[i]);
	return n;
}

static void
say_routers(struct verdict *v)
{
	const struct nat_report *r = &v->udp->report;
	char list[NAT_HOPS_MAX * (ADDR_TEXT_SIZE + 2)] = "", ip[ADDR_TEXT_SIZE];
	unsigned int i;

	if (count_private(r) < 2 || r->mapping == NAT_MAPPING_NONE)
		return;
	for (i = 0; i < r->hop_count; i++)
		if (addr_is_private(&r->hops[i]))
			snprintf(list + strlen(list), sizeof(list) - strlen(list), "%s%s", list[0] != '\0' ? ", " : "",
			    addr_ip_text(&r->hops[i], ip));
	say(v, "There seem to be several NATs in a row: more than one router on the way out has a private address (%s). "
	       "Strangers get in only where each of them lets them in.",
	    list);
	if (v->j.works != NAT_YES)
		say(v, "On the router that is yours, forward the port to this machine or make this machine its DMZ host; then "
		       "check again.");
}

static void
say_own_firewall(struct verdict *v)
{
	say(v, "First look at this machine itself: a firewall on it that drops what comes in (ufw, firewalld, nftables "
	       "INPUT) looks the same. Allow the port there, then check again.");
}

static void
say_udp(struct verdict *v)
{
	switch (v->j.udp_type) {
	case TYPE_OPEN:
		say(v, "You are not in a NAT network: there is no need for this tool.");
		break;
	case TYPE_FIREWALL:
		say(v, "This machine has a public address, but a firewall in between lets nothing in that was not asked for. "
		       "Allow the port there, on your router as a rule; no NAT has to be punched.");
		say_own_firewall(v);
		break;
	case TYPE_RESTRICTED:
	case TYPE_PORT_RESTRICTED:
		say(v, "The NAT type of your network is not full cone (NAT 1). TCP hole punching may fail.");
		say_own_firewall(v);
		say(v, "Otherwise the NAT, or a firewall in between, keeps strangers out. If it is your router: forward the "
		       "port to this machine, make it the DMZ host, or choose full cone (NAT 1) there. If it is your "
		       "carrier's: ask for a public address or a full-cone one.");
		break;
	case TYPE_SYMMETRIC:
		say(v, "You cannot perform UDP hole punching in a symmetric NAT network.");
		break;
	case TYPE_BLOCKED:
		say(v, "UDP is blocked: servers answer over TCP only. A firewall in between drops it; allow UDP there.");
		say_tried(v, "UDP", &v->udp->report);
		break;
	default:
		break;
	}
}

static void
say_tcp(struct verdict *v)
{
	if (v->j.tcp_type == TYPE_SYMMETRIC)
		say(v, "You cannot perform TCP hole punching in a symmetric NAT network.");
	if (v->j.udp_type == TYPE_SYMMETRIC || v->j.tcp_type == TYPE_SYMMETRIC)
		say(v, "If the NAT is your router's, choose full cone (NAT 1) there or forward the port to this machine; if it "
		       "is your carrier's, ask for a public address or a full-cone one.");
}

/* What is missing for a full answer. */
static void
say_unknown_udp(struct verdict *v)
{
	if (v->udp->known == 0)
		say(v, "None of the STUN servers for UDP has an address: their names cannot be resolved.");
	else if (v->udp->report.answered == 0)
		say_tried(v, "UDP", &v->udp->report);
	else
		say(v, "No server could tell what is let in over UDP. That takes one with a second address (RFC 5780): name "
		       "others as stun_server in natter.cfg (natterd --check-nat -c FILE reads them there).");
}

static void
say_unknown_tcp(struct verdict *v)
{
	if (v->tcp->known == 0)
		say(v, "None of the STUN servers for TCP has an address: their names cannot be resolved.");
	else if (v->tcp->report.answered == 0)
		say(v, "Over TCP no STUN server answered%s%s. Many do not serve TCP: name others as stun_server in natter.cfg "
		       "(natterd --check-nat -c FILE reads them there).",
		    v->tcp->report.error[0] != '\0' ? ": " : "", v->tcp->report.error);
	else
		say(v, "Over TCP only one server's address answered, which cannot tell the kind of the NAT. Name more as "
		       "stun_server in natter.cfg.");
}

static void
say_unknown(struct verdict *v)
{
	if (v->j.udp_type == TYPE_UNKNOWN)
		say_unknown_udp(v);
	if (v->j.tcp_type == TYPE_UNKNOWN)
		say_unknown_tcp(v);
	else if (v->j.tcp_works == NAT_UNKNOWN)
		say(v, "Whether strangers get in over TCP cannot be asked from a server. Try it: natterd -t PORT, and open the "
		       "address that it prints from outside, for instance with a mobile phone that is not in your Wi-Fi.");
}

static void
say_failed(struct verdict *v)
{
	if (!v->udp->reported)
		say(v, "The check over UDP itself failed: %s.", v->udp->report.error);
	if (!v->tcp->reported)
		say(v, "The check over TCP itself failed: %s.", v->tcp->report.error);
}

static void
say_summary(struct verdict *v)
{
	static const char *const sentences[NAT_ANSWER_COUNT][NAT_ANSWER_COUNT] = { /* UDP, TCP */
	    [NAT_YES][NAT_YES] = "natter can work here, for TCP and for UDP.",
	    [NAT_YES][NAT_NO] = "natter can work here for UDP, but not for TCP.",
	    [NAT_NO][NAT_YES] = "natter can work here for TCP, but not for UDP.",
	    [NAT_NO][NAT_NO] = "natter cannot work here as things are.",
	    [NAT_YES][NAT_UNKNOWN] = "natter can work here for UDP; whether it can for TCP could not be found out.",
	    [NAT_UNKNOWN][NAT_YES] = "natter can work here for TCP; whether it can for UDP could not be found out.",
	    [NAT_NO][NAT_UNKNOWN] =
	        "natter cannot work here for UDP as things are; whether it can for TCP could not be found out.",
	    [NAT_UNKNOWN][NAT_NO] =
	        "natter cannot work here for TCP as things are; whether it can for UDP could not be found out.",
	    [NAT_UNKNOWN][NAT_UNKNOWN] = "Whether natter can work here could not be found out.",
	};

	say(v, "%s", sentences[v->j.udp_works][v->j.tcp_works]);
}

/* What was found behind a proxy would mislead. */
static void
explain(struct verdict *v)
{
	if (v->j.failed) {
		say_failed(v);
	} else if (v->j.proxy) {
		say_proxy(v);
	} else if (v->j.no_answers) {
		say_silence(v);
	} else {
		say_udp(v);
		say_tcp(v);
		say_routers(v);
		say_unknown(v);
	}
	say_summary(v);
}

static void
add_text(struct json_object *o, const char *name, const char *text)
{
	json_object_object_add(o, name, json_object_new_string(text));
}

static const char *
port_preservation(const struct nat_report *r)
{
	if (!addr_is_set(&r->outer))
		return nat_answer_name(NAT_UNKNOWN);
	return nat_answer_name(addr_port(&r->inner) == addr_port(&r->outer) ? NAT_YES : NAT_NO);
}

static struct json_object *
part_to_json(const struct nat_report *r, enum protocol protocol, enum checknat_type type, enum nat_answer works)
{
	struct json_object *o = json_object_new_object();
	char text[ADDR_TEXT_SIZE];

	add_text(o, "type", checknat_type_name(type, protocol));
	add_text(o, "works", nat_answer_name(works));
	add_text(o, "mapping", nat_mapping_name((enum nat_mapping)r->mapping));
	if (protocol == PROTOCOL_UDP)
		add_text(o, "filtering", nat_filtering_name((enum nat_filtering)r->filtering));
	add_text(o, "port_preservation", port_preservation(r));
	add_text(o, "hairpinning", nat_answer_name((enum nat_answer)r->hairpinning));
	add_text(o, "inner", addr_text(&r->inner, text));
	add_text(o, "outer", addr_text(&r->outer, text));
	json_object_object_add(o, "servers_asked", json_object_new_int64(r->asked));
	json_object_object_add(o, "servers_answered", json_object_new_int64(r->answered));
	add_text(o, "error", r->error);
	return o;
}

static struct json_object *
routers_to_json(const struct nat_report *r)
{
	struct json_object *list = json_object_new_array();
	char text[ADDR_TEXT_SIZE];
	unsigned int i;

	for (i = 0; i < r->hop_count; i++)
		json_object_array_add(list, json_object_new_string(addr_ip_text(&r->hops[i], text)));
	return list;
}

struct json_object *
checknat_verdict(const struct checknat_result *result)
{
	struct json_object *o = json_object_new_object();
	struct verdict v = {
	    .udp = &result->parts[PROTOCOL_UDP],
	    .tcp = &result->parts[PROTOCOL_TCP],
	    .j = checknat_judge(result),
	    .ipv6 = result->ipv6,
	    .messages = json_object_new_array(),
	};

	explain(&v);
	add_text(o, "works", nat_answer_name(v.j.works));
	json_object_object_add(o, "udp", part_to_json(&v.udp->report, PROTOCOL_UDP, v.j.udp_type, v.j.udp_works));
	json_object_object_add(o, "tcp", part_to_json(&v.tcp->report, PROTOCOL_TCP, v.j.tcp_type, v.j.tcp_works));
	json_object_object_add(o, "routers", routers_to_json(&v.udp->report));
	json_object_object_add(o, "messages", v.messages);
	return o;
}
