/* SPDX-License-Identifier: ISC */
/*
 * What several servers' views of one port make of a NAT.
 * NEEDS: worker/natview
 */
#include "natview.h"

#include "check.h"

static struct natview view;

static struct addr
address(const char *text)
{
	struct addr a;

	CHECK(addr_parse(text, 0, &a) == 0);
	return a;
}

/* seen NULL: it has not answered yet. */
static const struct natview_ask *
ask(const char *server, const char *seen)
{
	struct natview_ask *a = &view.asks[view.ask_count++];

	memset(a, 0, sizeof(*a));
	a->server = address(server);
	a->local = address("192.168.1.2:5000");
	if (seen == NULL)
		return a;
	a->outcome = NATVIEW_ANSWERED;
	a->mapped = address(seen);
	return a;
}

/* A server with its alternate address, as each of the three sees it. */
static void
group(const char *own, const char *other_ip, const char *both)
{
	struct natview_group *g = &view.groups[view.group_count++];

	ask("203.0.113.10:3478", own);
	g->other_ip = ask("203.0.113.11:3478", other_ip);
	g->other_ip_and_port = ask("203.0.113.11:3479", both);
}

static void
clear(void)
{
	memset(&view, 0, sizeof(view));
}

static void
test_kinds(void)
{
	clear();
	group("198.51.100.7:1", "198.51.100.7:1", "198.51.100.7:1");
	CHECK(natview_judge(&view) == NAT_MAPPING_ENDPOINT_INDEPENDENT && natview_has_complete_group(&view));
	clear();
	group("192.168.1.2:5000", "192.168.1.2:5000", NULL);
	CHECK(natview_judge(&view) == NAT_MAPPING_NONE);
	clear();
	group("198.51.100.7:1", "198.51.100.7:2", "198.51.100.7:2");
	CHECK(natview_judge(&view) == NAT_MAPPING_ADDRESS_DEPENDENT);
	clear();
	group("198.51.100.7:1", "198.51.100.7:2", "198.51.100.7:3");
	CHECK(natview_judge(&view) == NAT_MAPPING_ADDRESS_AND_PORT_DEPENDENT);
	clear();
	group("198.51.100.7:1", "198.51.100.7:2", NULL);
	CHECK(natview_judge(&view) == NAT_MAPPING_DEPENDENT && !natview_has_complete_group(&view));
}

static void
test_too_little(void)
{
	clear();
	CHECK(natview_judge(&view) == NAT_MAPPING_UNKNOWN && natview_find_best(&view) == NULL);
	ask("203.0.113.10:3478", "198.51.100.7:1");
	CHECK(natview_judge(&view) == NAT_MAPPING_UNKNOWN && natview_find_best(&view) == &view.asks[0]);
	/* Another port of the same server proves nothing, be it the same or not. */
	ask("203.0.113.10:3479", "198.51.100.7:1");
	CHECK(natview_judge(&view) == NAT_MAPPING_UNKNOWN && !natview_has_two_addresses(&view));
	ask("203.0.113.20:3478", NULL);
	CHECK(natview_judge(&view) == NAT_MAPPING_UNKNOWN);
	CHECK(natview_count(&view, NATVIEW_ASKING) == 1 && natview_count(&view, NATVIEW_ANSWERED) == 2);
}

/* One that lies alone, first or last, changes nothing. */
static void
test_liar(void)
{
	struct addr liar = address("203.0.113.66:3478"), ip = address("203.0.113.66:1"), nobody = address("203.0.113.67:1");

	clear();
	ask("203.0.113.66:3478", "9.9.9.9:9");
	group("198.51.100.7:1", "198.51.100.7:1", "198.51.100.7:1");
	CHECK(natview_judge(&view) == NAT_MAPPING_ENDPOINT_INDEPENDENT);
	CHECK(natview_find_best(&view) == &view.asks[1]);
	CHECK(natview_find(&view, &liar) == &view.asks[0] && natview_find(&view, &ip) == NULL);
	CHECK(natview_has_answered(&view, &ip) && !natview_has_answered(&view, &nobody));
}

int
main(void)
{
	test_kinds();
	test_too_little();
	test_liar();
	return check_done();
}
