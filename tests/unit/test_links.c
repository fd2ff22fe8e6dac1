/* SPDX-License-Identifier: ISC */
/*
 * The connections that hold a TCP mapping, with this test in their place: how many there are,
 * to whom, and what becomes of them when they end.
 * NEEDS: worker/links worker/webservers
 */
#include "standin.h"

#include "links.h"

#define A "192.0.2.1:80"
#define B "192.0.2.2:80"
#define C "192.0.2.3:80"

static struct links *links;
static unsigned int ups, first_ups, answers, ends, failures;
static enum keepalive_end last_end;
static enum links_outlook outlook;
static bool network_is_good;
static bool must_stay; /* from then on there is always one */

static void
check_held(void)
{
	CHECK(!must_stay || links_are_up(links));
}

static void
on_up(void *context, bool is_first)
{
	CHECK(context == &worker);
	ups++;
	first_ups += is_first;
}

static void
on_answer(void *context)
{
	CHECK(context == &worker);
	answers++;
}

static void
on_end(void *context, enum keepalive_end end, const char *reason)
{
	CHECK(context == &worker);
	CHECK_TEXT(reason, "because");
	ends++;
	last_end = end;
}

static void
on_failure(void *context, enum links_outlook o, const char *reason)
{
	CHECK(context == &worker);
	CHECK_TEXT(reason, "because");
	CHECK(!links_are_up(links));
	failures++;
	outlook = o;
}

static bool
is_network_good(void *context)
{
	CHECK(context == &worker);
	return network_is_good && links_are_up(links);
}

static void
begin(void)
{
	static const struct links_handlers handlers = {on_up, on_answer, on_end, on_failure, is_network_good};

	standins_begin();
	ups = first_ups = answers = ends = failures = 0;
	network_is_good = true;
	must_stay = false;
	links = links_new(&worker, &servers, &handlers, &worker);
	links_connect(links);
}

static void
finish(void)
{
	links_free(links);
	CHECK(count_links(true) + count_links(false) == 0);
}

static void
begin_with_two_up(void)
{
	begin();
	come_up(0);
	come_up(1);
	must_stay = true;
}

static void
end_link(unsigned int i, enum keepalive_end end)
{
	lose(i, end, "because");
	check_held();
}

static void
test_two(void)
{
	LIST(A, B, C);
	begin();
	CHECK(made == 2 && goes_to(0, A) && goes_to(1, B) && !links_are_up(links) && links_are_coming(links));
	come_up(1);
	CHECK(ups == 1 && first_ups == 1 && links_are_up(links) && !links_are_coming(links));
	come_up(0);
	CHECK(ups == 2 && first_ups == 1 && made == 2);
	links_connect(links);
	CHECK(made == 2);
	finish();
}

/* One address with several names is one server, and one server is one connection. */
static void
test_one(void)
{
	LIST(A, A, A);
	begin();
	CHECK(made == 1);
	come_up(0);
	CHECK(made == 1);
	now += 60;
	announce(0);
	CHECK(made == 2 && goes_to(1, A) && links_made[0] == NULL); /* it makes room for itself */
	come_up(1);
	CHECK(first_ups == 2);
	finish();
}

static void
test_successor(void)
{
	LIST(A, B, C);
	begin_with_two_up();
	now += 60;
	announce(0);
	CHECK(made == 3 && goes_to(2, C) && goes_to(0, A)); /* it works until then */
	come_up(2);
	CHECK(links_made[0] == NULL && made == 3);
	/* One that is lost without a word, too, and the round goes on. */
	now += 60;
	end_link(1, KEEPALIVE_CLOSED);
	CHECK(ends == 1 && last_end == KEEPALIVE_CLOSED && made == 4 && goes_to(3, A));
	finish();
}

/* The successor fails: the next one is tried, and the old one stays as long as it can. */
static void
test_failing_successor(void)
{
	LIST(A, B, C);
	begin_with_two_up();
	now += 60;
	announce(0);
	end_link(2, KEEPALIVE_UNREACHED);
	CHECK(blamed == 1 && ends == 0 && failures == 0);
	/* Nobody else is left: it makes room. */
	CHECK(made == 4 && links_made[0] == NULL && goes_to(3, A));
	come_up(3);
	CHECK(count_links(true) == 2);
	finish();
}

static bool
is_late(unsigned int i)
{
	return links_made[i]->times.late;
}

/* Whatever becomes of them, one of two makes its first request later than the other one. */
static void
test_late(void)
{
	LIST(A, B, C);
	begin_with_two_up();
	CHECK(!is_late(0) && is_late(1));
	now += 60;
	announce(0);
	CHECK(made == 3 && !is_late(2));
	end_link(2, KEEPALIVE_UNREACHED);
	CHECK(made == 4 && !is_late(3));
	come_up(3);
	now += 60;
	end_link(1, KEEPALIVE_CLOSED);
	CHECK(made == 5 && is_late(4));
	finish();
}

/* With two servers only, one makes room for itself while the other one stays, even if both leave. */
static void
test_two_leave(void)
{
	LIST(A, B);
	begin_with_two_up();
	now += 60;
	announce(0);
	CHECK(made == 3 && goes_to(2, A) && links_made[0] == NULL && goes_to(1, B));
	announce(1);
	check_held();
	CHECK(goes_to(1, B));
	come_up(2);
	CHECK(goes_to(3, B) && links_made[1] == NULL);
	check_held();
	come_up(3);
	CHECK(count_links(true) == 2 && made == 4 && first_ups == 1);
	finish();
}

static void
test_giving_up(void)
{
	LIST(A, B, C);
	begin();
	end_link(0, KEEPALIVE_UNREACHED);
	CHECK(failures == 1 && outlook == LINKS_COMING && made == 3 && goes_to(2, C));
	end_link(1, KEEPALIVE_NO_WAY);
	CHECK(failures == 2 && outlook == LINKS_COMING && made == 3);
	end_link(2, KEEPALIVE_NO_WAY);
	CHECK(failures == 3 && outlook == LINKS_GAVE_UP && made == 3 && blamed == 0);
	CHECK(!links_are_coming(links));
	pass(100);
	CHECK(made == 3);
	links_connect(links);
	CHECK(made == 5);
	end_link(3, KEEPALIVE_NO_WAY);
	end_link(4, KEEPALIVE_NO_WAY);
	end_link(5, KEEPALIVE_NO_WAY);
	CHECK(failures == 6 && outlook == LINKS_NO_WAY);
	finish();
}

static void
test_many(void)
{
	char text[SERVERS_MAX][ADDR_TEXT_SIZE];
	const char *list[SERVERS_MAX + 1] = {NULL};
	unsigned int i;

	for (i = 0; i < SERVERS_MAX; i++) {
		snprintf(text[i], sizeof(text[i]), "192.0.2.%u:80", i + 1);
		list[i] = text[i];
	}
	list_servers(list);
	begin();
	for (i = 0; i < SERVERS_MAX; i++) {
		CHECK(made <= i + 2);
		end_link(i, KEEPALIVE_UNREACHED);
	}
	CHECK(made == SERVERS_MAX && failures == SERVERS_MAX && outlook == LINKS_GAVE_UP);
	finish();
}

/* Servers that close at once, again and again, are asked seldom. */
static void
test_hammer(void)
{
	unsigned int i, tried = 0;
	double begun;

	LIST(A, B);
	begin();
	begun = now;
	while (now - begun < 60) {
		for (i = 0; i < made; i++) {
			if (links_made[i] == NULL)
				continue;
			tried++;
			come_up(i);
			lose(i, KEEPALIVE_RESET, "because");
		}
		pass(0.5);
	}
	CHECK(tried >= 16 && tried <= 40);
	finish();
	/* Nor is one that refuses while the other works: it is left alone for a while. */
	begin();
	come_up(0);
	begun = now;
	tried = 0;
	for (i = 1; now - begun < 29; pass(0.5)) {
		for (; i < made; i++) {
			tried++;
			lose(i, KEEPALIVE_UNREACHED, "because");
		}
	}
	CHECK(tried == 1 && blamed == 1);
	pass(2);
	CHECK(made == 3);
	finish();
	/* The same for one that takes every connection and resets it. */
	begin();
	come_up(0);
	begun = now;
	tried = 0;
	for (i = 1; now - begun < 120; pass(0.5)) {
		for (; i < made; i++) {
			tried++;
			come_up(i);
			lose(i, KEEPALIVE_RESET, "because");
		}
	}
	CHECK(tried >= 3 && tried <= 6 && praised == 0);
	finish();
}

/* Nor is a server, of which nothing is known, for what this machine does not give. */
static void
test_not_tried(void)
{
	unsigned int i, tried = 0;
	double begun;

	LIST(A, B);
	begin();
	come_up(0);
	begun = now;
	for (i = 1; now - begun < 30; pass(0.5)) {
		for (; i < made; i++) {
			tried++;
			lose(i, KEEPALIVE_NOT_TRIED, "because");
		}
	}
	CHECK(tried >= 6 && tried <= 12 && blamed == 0);
	finish();
}

/* What this machine ends itself is no short life of the server's. */
static void
test_own_end(void)
{
	int i;

	LIST(A, B);
	begin_with_two_up();
	must_stay = false;
	for (i = 0; i < 5; i++) {
		links_drop(links);
		CHECK(!links_are_up(links));
		links_connect(links);
		CHECK(count_links(false) == 2);
		come_up(made - 2);
		come_up(made - 1);
	}
	finish();
}

static void
test_new_list(void)
{
	LIST(A);
	begin();
	come_up(0);
	LIST(A, B);
	links_connect(links);
	CHECK(made == 2 && goes_to(1, B));
	come_up(1);
	/* A connection is not worse because its server is no more in the list. */
	LIST(C);
	links_connect(links);
	CHECK(made == 2 && count_links(true) == 2);
	end_link(0, KEEPALIVE_CLOSED);
	CHECK(made == 2);
	end_link(1, KEEPALIVE_CLOSED);
	CHECK(made == 3 && goes_to(2, C));
	/* The list may become empty. */
	list_servers((const char *const[]){NULL});
	end_link(2, KEEPALIVE_UNREACHED);
	CHECK(failures == 1 && outlook == LINKS_GAVE_UP);
	finish();
}

/* One that a worker before this one had may be to another server than what was asked for. */
static void
test_inherited(void)
{
	LIST(A, B);
	begin();
	links_made[0]->server.addr = address(B);
	come_up(0);
	links_made[1]->server.addr = address(A);
	come_up(1);
	CHECK(made == 2 && count_links(true) == 2);
	now += 60;
	end_link(0, KEEPALIVE_CLOSED);
	CHECK(goes_to(2, B));
	finish();
}

static bool
is_quiet(void *context, const struct keepalive *link)
{
	const double *limit = context;

	return keepalive_quiet(link) > *limit;
}

static void
test_replace(void)
{
	double limit = 4;

	LIST(A, B, C);
	begin_with_two_up();
	now += 5;
	links_made[1]->heard_at = now;
	links_replace(links, is_quiet, &limit, true);
	CHECK(blamed == 1 && addr_equal(&told[0], &servers.keep_alive[0].addr));
	CHECK(made == 3 && goes_to(2, C) && goes_to(0, A)); /* it may still be heard */
	links_replace(links, is_quiet, &limit, true);
	CHECK(made == 3);
	come_up(2);
	CHECK(links_made[0] == NULL && ends == 0);
	/* A network that is in doubt is no server's fault. */
	now += 5;
	network_is_good = false;
	links_replace(links, is_quiet, &limit, true);
	CHECK(blamed == 1 && made == 5);
	finish();
	/* Nor are servers of which nobody is heard. */
	begin_with_two_up();
	now += 5;
	links_replace(links, is_quiet, &limit, true);
	CHECK(blamed == 0);
	finish();
}

static bool
is_any(void *context, const struct keepalive *link)
{
	(void)context;
	(void)link;
	return true;
}

static void
test_remove(void)
{
	LIST(A, B, C);
	begin();
	come_up(0);
	links_remove(links, is_any, NULL, false);
	CHECK(links_made[0] == NULL && links_made[1] == NULL && made == 4 && blamed == 0);
	come_up(2);
	CHECK(first_ups == 2);
	links_remove(links, is_any, NULL, true);
	CHECK(blamed == 2);
	finish();
}

/* Who failed for somebody is left alone, but not in need. */
static void
test_rest(void)
{
	LIST(A, B, C);
	servers.keep_alive[1].rest_until = (int64_t)now + 20000;
	begin();
	CHECK(made == 2 && goes_to(0, A) && goes_to(1, C));
	end_link(0, KEEPALIVE_UNREACHED);
	CHECK(made == 3 && goes_to(2, B));
	come_up(2);
	CHECK(praised == 0); /* that it can be reached is not all */
	links_made[2]->handlers.on_answer(links, links_made[2]);
	CHECK(praised == 1 && answers == 1);
	finish();
}

static void
test_idle_limit(void)
{
	LIST(A);
	begin();
	come_up(0);
	CHECK(links_made[0]->times.idle_limit == 0);
	now += 60;
	links_made[0]->idle_end = 3;
	end_link(0, KEEPALIVE_CLOSED);
	/* Once may have any reason. */
	CHECK(links_made[1]->times.idle_limit == 0);
	come_up(1);
	now += 60;
	links_made[1]->idle_end = 3.1;
	end_link(1, KEEPALIVE_CLOSED);
	CHECK(links_made[2]->times.idle_limit > 2.9 && links_made[2]->times.idle_limit < 3.2);
	finish();
}

static void
test_pace(void)
{
	LIST(A, B, C);
	begin();
	come_up(0);
	links_set_pace(links, 7);
	CHECK(links_made[0]->times.pace == 7 && links_made[1]->times.pace == 7);
	end_link(1, KEEPALIVE_UNREACHED);
	CHECK(links_made[2]->times.pace == 7);
	now += 3;
	CHECK(links_quiet(links) == 3);
	come_up(2);
	CHECK(links_quiet(links) == 0);
	now += 2;
	end_link(0, KEEPALIVE_RESET);
	CHECK(links_last_idle(links) == 5 && links_quiet(links) == 2);
	finish();
}

int
main(void)
{
	loop_start();
	worker.base = t.base;
	test_two();
	test_one();
	test_successor();
	test_failing_successor();
	test_late();
	test_two_leave();
	test_giving_up();
	test_many();
	test_hammer();
	test_not_tried();
	test_own_end();
	test_new_list();
	test_inherited();
	test_replace();
	test_remove();
	test_rest();
	test_idle_limit();
	test_pace();
	loop_end();
	return check_done();
}
