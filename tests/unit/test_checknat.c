/* SPDX-License-Identifier: ISC */
/*
 * What follows from a NAT check's observations, and which of them are believed.
 * NEEDS: supervisor/checknat_judge supervisor/checknat_verdict
 */
#include <limits.h>
#include <stdlib.h>

#include "check.h"
#include "checknat_judge.h"
#include "checknat_verdict.h"
#include "message.h"

static struct addr
address(const char *text)
{
	struct addr a;

	CHECK(addr_parse(text, 0, &a) == 0);
	return a;
}

/* What a worker reports that got answers. */
static struct nat_report
seen(enum nat_mapping mapping, enum nat_filtering filtering)
{
	struct nat_report r = {.mapping = mapping, .filtering = filtering, .has_route = 1, .asked = 3, .answered = 3};

	r.intercepted = NAT_NO;
	r.hairpinning = NAT_NO;
	r.inner = address("192.168.1.2:5000");
	r.outer = address(mapping == NAT_MAPPING_NONE ? "192.168.1.2:5000" : "203.0.113.7:6000");
	r.server = address("203.0.113.10:3478");
	return r;
}

static struct nat_report
silent(void)
{
	struct nat_report r = {.has_route = 1, .asked = 3, .intercepted = NAT_NO};

	snprintf(r.error, sizeof(r.error), "all were silent");
	return r;
}

static struct checknat_result
together(struct nat_report udp, struct nat_report tcp)
{
	struct checknat_result r = {0};

	r.parts[PROTOCOL_UDP] = (struct checknat_part){.report = udp, .reported = true, .known = 3, .usable = 3};
	r.parts[PROTOCOL_TCP] = (struct checknat_part){.report = tcp, .reported = true, .known = 3, .usable = 3};
	return r;
}

static void
test_types(void)
{
	static const struct {
		enum nat_mapping udp;
		enum nat_filtering filtering;
		enum nat_mapping tcp;
		const char *udp_type, *tcp_type;
		enum nat_answer udp_works, tcp_works, works;
	} rows[] = {
	    {NAT_MAPPING_NONE, NAT_FILTERING_ENDPOINT_INDEPENDENT, NAT_MAPPING_NONE, "Open Internet", "Cone", NAT_YES,
	        NAT_YES, NAT_YES},
	    {NAT_MAPPING_NONE, NAT_FILTERING_ADDRESS_DEPENDENT, NAT_MAPPING_NONE, "Symmetric UDP firewall", "Cone", NAT_NO,
	        NAT_NO, NAT_NO},
	    {NAT_MAPPING_NONE, NAT_FILTERING_UNKNOWN, NAT_MAPPING_NONE, "Unknown", "Cone", NAT_UNKNOWN, NAT_UNKNOWN,
	        NAT_UNKNOWN},
	    {NAT_MAPPING_ENDPOINT_INDEPENDENT, NAT_FILTERING_ENDPOINT_INDEPENDENT, NAT_MAPPING_ENDPOINT_INDEPENDENT,
	        "Full cone (NAT 1)", "Cone", NAT_YES, NAT_YES, NAT_YES},
	    {NAT_MAPPING_ENDPOINT_INDEPENDENT, NAT_FILTERING_ADDRESS_DEPENDENT, NAT_MAPPING_ENDPOINT_INDEPENDENT,
	        "Restricted (NAT 2)", "Cone", NAT_NO, NAT_UNKNOWN, NAT_NO},
	    {NAT_MAPPING_ENDPOINT_INDEPENDENT, NAT_FILTERING_ADDRESS_AND_PORT_DEPENDENT,
	        NAT_MAPPING_ENDPOINT_INDEPENDENT, "Port restricted (NAT 3)", "Cone", NAT_NO, NAT_UNKNOWN, NAT_NO},
	    {NAT_MAPPING_ENDPOINT_INDEPENDENT, NAT_FILTERING_UNKNOWN, NAT_MAPPING_ENDPOINT_INDEPENDENT, "Unknown", "Cone",
	        NAT_UNKNOWN, NAT_UNKNOWN, NAT_UNKNOWN},
	    /* Whoever is let in: without one outer address there is nothing to tell others. */
	    {NAT_MAPPING_ADDRESS_AND_PORT_DEPENDENT, NAT_FILTERING_ENDPOINT_INDEPENDENT,
	        NAT_MAPPING_ADDRESS_AND_PORT_DEPENDENT, "Symmetric (NAT 4)", "Symmetric", NAT_NO, NAT_NO, NAT_NO},
	    {NAT_MAPPING_ADDRESS_DEPENDENT, NAT_FILTERING_UNKNOWN, NAT_MAPPING_DEPENDENT, "Symmetric (NAT 4)", "Symmetric",
	        NAT_NO, NAT_NO, NAT_NO},
	    {NAT_MAPPING_ENDPOINT_INDEPENDENT, NAT_FILTERING_ENDPOINT_INDEPENDENT, NAT_MAPPING_UNKNOWN, "Full cone (NAT 1)",
	        "Unknown", NAT_YES, NAT_UNKNOWN, NAT_UNKNOWN},
	    {NAT_MAPPING_ENDPOINT_INDEPENDENT, NAT_FILTERING_ENDPOINT_INDEPENDENT, NAT_MAPPING_ADDRESS_DEPENDENT,
	        "Full cone (NAT 1)", "Symmetric", NAT_YES, NAT_NO, NAT_NO},
	};
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct checknat_result r =
		    together(seen(rows[i].udp, rows[i].filtering), seen(rows[i].tcp, NAT_FILTERING_UNKNOWN));
		struct checknat_judgement j = checknat_judge(&r);

		CHECK_TEXT(checknat_type_name(j.udp_type, PROTOCOL_UDP), rows[i].udp_type);
		CHECK_TEXT(checknat_type_name(j.tcp_type, PROTOCOL_TCP), rows[i].tcp_type);
		CHECK(j.udp_works == rows[i].udp_works && j.tcp_works == rows[i].tcp_works && j.works == rows[i].works);
		CHECK(!j.no_answers && !j.no_network && !j.no_names && !j.proxy);
	}
}

static struct checknat_judgement
judge(const struct checknat_result *r)
{
	return checknat_judge(r);
}

static void
test_silence(void)
{
	struct checknat_result r = together(silent(), seen(NAT_MAPPING_ENDPOINT_INDEPENDENT, NAT_FILTERING_UNKNOWN));

	CHECK(judge(&r).udp_type == TYPE_BLOCKED && judge(&r).works == NAT_NO && judge(&r).tcp_works == NAT_UNKNOWN);
	/* One silent server may just be dead, unless it answers over TCP. */
	r.parts[PROTOCOL_UDP].report.asked = 1;
	CHECK(judge(&r).udp_type == TYPE_UNKNOWN && judge(&r).works == NAT_UNKNOWN);
	r.same_host = true;
	CHECK(judge(&r).udp_type == TYPE_BLOCKED);
	/* Our own packet that came back met no firewall further out. */
	r.parts[PROTOCOL_TCP].report.hairpinning = NAT_YES;
	CHECK(judge(&r).tcp_works == NAT_UNKNOWN && judge(&r).works == NAT_NO);
	/* Servers that nobody asked block nothing. */
	r.parts[PROTOCOL_UDP].report.asked = 0;
	CHECK(judge(&r).udp_type == TYPE_UNKNOWN && judge(&r).works == NAT_UNKNOWN && judge(&r).tcp_works == NAT_YES);
	r = together(silent(), silent());
	CHECK(judge(&r).no_answers && !judge(&r).no_network && !judge(&r).no_names && judge(&r).works == NAT_UNKNOWN);
	r.parts[PROTOCOL_UDP].report.has_route = 0;
	CHECK(judge(&r).no_network);
	/* A worker that died saw nothing, not even that there is no route. */
	r.parts[PROTOCOL_UDP].reported = false;
	CHECK(!judge(&r).no_network && judge(&r).works == NAT_UNKNOWN);
	r = together(silent(), silent());
	r.parts[PROTOCOL_UDP].usable = r.parts[PROTOCOL_TCP].usable = 0;
	CHECK(judge(&r).no_version && !judge(&r).no_names);
	r.parts[PROTOCOL_UDP].known = r.parts[PROTOCOL_TCP].known = 0;
	CHECK(judge(&r).no_names && !judge(&r).no_version);
}

static void
test_proxy(void)
{
	struct nat_report good = seen(NAT_MAPPING_ENDPOINT_INDEPENDENT, NAT_FILTERING_ENDPOINT_INDEPENDENT);
	struct checknat_result r = together(good, good);

	CHECK(judge(&r).works == NAT_YES);
	r.parts[PROTOCOL_TCP].report.intercepted = NAT_YES;
	CHECK(judge(&r).proxy && judge(&r).works == NAT_NO && judge(&r).udp_works == NAT_YES);
	r = together(good, good);
	/* Two ways out: what UDP met says nothing of TCP's. */
	r.parts[PROTOCOL_TCP].report.outer = address("203.0.113.8:6000");
	CHECK(judge(&r).tcp_works == NAT_UNKNOWN && judge(&r).works == NAT_UNKNOWN);
	r = together(good, good);
	r.parts[PROTOCOL_UDP].fake_address = true;
	CHECK(judge(&r).proxy && judge(&r).works == NAT_NO);
}

static bool
says(const struct checknat_result *r, const char *text)
{
	struct json_object *verdict = checknat_verdict(r);
	bool found = strstr(json_object_to_json_string_ext(verdict, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE),
	                 text) != NULL;

	json_object_put(verdict);
	return found;
}

static void
test_words(void)
{
	struct nat_report good = seen(NAT_MAPPING_ENDPOINT_INDEPENDENT, NAT_FILTERING_ENDPOINT_INDEPENDENT);
	struct checknat_result r = together(good, good);

	CHECK(says(&r, "\"works\":\"yes\"") && says(&r, "natter can work here, for TCP and for UDP."));
	CHECK(says(&r, "\"port_preservation\":\"no\"") && says(&r, "\"outer\":\"203.0.113.7:6000\""));
	/* A private router behind the first one; a silent one is no router. */
	r.parts[PROTOCOL_UDP].report.hops[0] = address("192.168.1.1");
	r.parts[PROTOCOL_UDP].report.hop_count = 2;
	CHECK(!says(&r, "several NATs"));
	r.parts[PROTOCOL_UDP].report.hops[1] = address("100.64.0.1");
	CHECK(says(&r, "several NATs") && says(&r, "192.168.1.1, 100.64.0.1"));
	r = together(silent(), silent());
	CHECK(says(&r, "No public STUN server is available.") && says(&r, "Tried over UDP: all were silent."));
	r.parts[PROTOCOL_UDP].report.intercepted = NAT_YES;
	CHECK(says(&r, "A transparent proxy") && !says(&r, "No public STUN server"));
	/* A worker that died is no fault of the servers. */
	r = together(silent(), good);
	r.parts[PROTOCOL_UDP].reported = false;
	CHECK(says(&r, "The check over UDP itself failed: all were silent.") && !says(&r, "UDP is blocked"));
	r = together(silent(), good);
	r.parts[PROTOCOL_UDP].known = 0, r.parts[PROTOCOL_UDP].report.asked = 0;
	CHECK(says(&r, "None of the STUN servers for UDP has an address"));
}

static void
test_gossip(void)
{
	struct nat_report good = seen(NAT_MAPPING_ENDPOINT_INDEPENDENT, NAT_FILTERING_ENDPOINT_INDEPENDENT), r = good;

	CHECK(nat_report_is_valid(&good));
	r.mapping = NAT_MAPPING_COUNT;
	CHECK(!nat_report_is_valid(&r));
	r = good, r.filtering = UINT32_MAX;
	CHECK(!nat_report_is_valid(&r));
	r = good, r.hairpinning = NAT_ANSWER_COUNT;
	CHECK(!nat_report_is_valid(&r));
	r = good, r.intercepted = 77;
	CHECK(!nat_report_is_valid(&r));
	r = good, r.has_route = 2;
	CHECK(!nat_report_is_valid(&r));
	r = good, r.answered = r.asked + 1;
	CHECK(!nat_report_is_valid(&r));
	r = good, r.hop_count = NAT_HOPS_MAX + 1;
	CHECK(!nat_report_is_valid(&r));
	r = good, r.hop_count = 1, r.hops[0].sa.sa_family = AF_UNIX;
	CHECK(!nat_report_is_valid(&r));
	r = good, r.outer = address("203.0.113.7");
	CHECK(!nat_report_is_valid(&r));
	r = good, memset(&r.inner, 0, sizeof(r.inner));
	CHECK(!nat_report_is_valid(&r));
	r = good, memset(&r.server, 0, sizeof(r.server));
	CHECK(!nat_report_is_valid(&r));
	r = good, r.inner = address("[2001:db8::1]:5");
	CHECK(!nat_report_is_valid(&r));
	r = good, memset(r.error, 'x', sizeof(r.error));
	CHECK(!nat_report_is_valid(&r));
	r = good, strcpy(r.error, "\033[31m");
	CHECK(!nat_report_is_valid(&r));
	/* A mapping without an address has been seen by nobody. */
	r = silent(), r.mapping = NAT_MAPPING_ENDPOINT_INDEPENDENT;
	CHECK(!nat_report_is_valid(&r));
	r = silent();
	CHECK(nat_report_is_valid(&r));
}

int
main(void)
{
	test_types();
	test_silence();
	test_proxy();
	test_words();
	test_gossip();
	return check_done();
}
