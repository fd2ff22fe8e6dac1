/* SPDX-License-Identifier: ISC */
/*
 * What the connections that hold a TCP mapping tell, with this test in their place: doubts,
 * losses, what they vouch for, this machine's addresses, and the interval that is learned.
 * NEEDS: worker/keeper worker/links worker/webservers worker/vigil worker/interval
 */
#include "standin.h"

#include "keeper.h"
#include "vigil.h"

#define A "192.0.2.1:80"
#define B "192.0.2.2:80"
#define C "192.0.2.3:80"
#define D "192.0.2.4:80"
#define HOME "192.168.77.2:1"
#define ELSEWHERE "192.168.78.2:1"

static struct keeper *keeper;
static unsigned int ups, doubts, heards, losses;
static enum links_outlook last_loss;
static const char *gone; /* an address that is this machine's no more */

bool
net_is_own_address(const struct addr *a)
{
	struct addr g = {0};

	if (gone != NULL)
		g = address(gone);
	return addr_is_set(a) && !addr_same_ip(a, &g);
}

static void
on_up(void *context)
{
	CHECK(context == &worker);
	ups++;
}

static void
on_doubt(void *context, const char *reason)
{
	CHECK(context == &worker && reason[0] != '\0');
	CHECK(keeper_is_up(keeper));
	doubts++;
}

static void
on_heard(void *context)
{
	CHECK(context == &worker && keeper_is_live(keeper));
	heards++;
}

static void
on_lost(void *context, const char *reason, enum links_outlook loss)
{
	CHECK(context == &worker && reason[0] != '\0');
	CHECK(!keeper_is_up(keeper));
	losses++;
	last_loss = loss;
}

static void
begin(void)
{
	static const struct keeper_handlers handlers = {on_up, on_doubt, on_heard, on_lost};

	standins_begin();
	ups = doubts = heards = losses = 0;
	gone = NULL;
	worker.mapping.keep_alive_shortest = 2;
	worker.mapping.keep_alive_longest = 15;
	keeper = keeper_new(&worker, &servers, &handlers, &worker);
	keeper_connect(keeper);
}

static void
begin_with_two_up(bool watch)
{
	begin();
	if (watch)
		keeper_watch(keeper, true);
	come_up(0);
	come_up(1);
	CHECK(ups == 1 && keeper_is_live(keeper));
	pass(1);
	links_made[0]->heard_at = links_made[1]->heard_at = now;
}

static void
finish(void)
{
	keeper_free(keeper);
	CHECK(count_links(true) + count_links(false) == 0);
}

/* So long nothing is heard but of this one, if it is one. */
static void
stay_quiet(double seconds, const struct keepalive *but)
{
	double end = now + seconds;

	while (now < end) {
		pass(0.25);
		if (but != NULL)
			((struct keepalive *)(uintptr_t)but)->heard_at = now;
	}
}

static void
test_pace(void)
{
	LIST(A, B);
	begin();
	CHECK(links_made[0]->times.pace == 10);
	come_up(0);
	keeper_watch(keeper, true);
	CHECK(links_made[0]->times.pace == 1 && links_made[1]->times.pace == 1);
	keeper_watch(keeper, false);
	pass(1);
	CHECK(links_made[0]->times.pace == 10);
	keeper_test(keeper);
	CHECK(links_made[0]->times.pace == 1);
	stay_quiet(4, links_made[0]);
	CHECK(links_made[0]->times.pace == 1);
	stay_quiet(2, links_made[0]);
	CHECK(links_made[0]->times.pace == 10);
	finish();
}

static void
test_doubt(void)
{
	double before;

	LIST(A, B);
	begin_with_two_up(true);
	before = now;
	stay_quiet(2, NULL);
	CHECK(doubts == 0 && keeper_vouches(keeper, before));
	stay_quiet(1, NULL);
	CHECK(doubts == 1 && heards == 0 && !keeper_is_live(keeper) && !keeper_vouches(keeper, before));
	stay_quiet(0.75, NULL);
	CHECK(doubts == 1 && made == 2);
	/* The very connections that held the hole are heard again: it is still there. */
	links_made[0]->heard_at = now;
	pass(0.25);
	CHECK(heards == 1 && keeper_vouches(keeper, before));
	finish();
}

/* New connections do not tell whether the hole is still the same. */
static void
test_stale(void)
{
	double before;

	LIST(A, B, C);
	begin_with_two_up(true);
	before = now;
	stay_quiet(5, NULL);
	CHECK(doubts == 1 && made == 4 && goes_to(2, C) && blamed == 0);
	come_up(2);
	pass(0.25);
	CHECK(heards == 1 && keeper_is_live(keeper) && !keeper_vouches(keeper, before));
	CHECK(keeper_vouches(keeper, now));
	finish();
}

static void
test_one_silent(void)
{
	double before;

	LIST(A, B, C);
	begin_with_two_up(true);
	before = now;
	stay_quiet(5, links_made[1]);
	CHECK(doubts == 0 && made == 3 && goes_to(2, C) && blamed == 1);
	come_up(2);
	CHECK(links_made[0] == NULL && losses == 0 && keeper_vouches(keeper, before));
	finish();
	/* Without a third one it is dropped, and asked again only later. */
	LIST(A, B);
	begin_with_two_up(true);
	stay_quiet(5, links_made[1]);
	CHECK(doubts == 0 && made == 2 && links_made[0] == NULL && blamed == 1);
	stay_quiet(25, links_made[1]);
	CHECK(made == 2 && doubts == 0 && losses == 0);
	stay_quiet(6, links_made[1]);
	CHECK(made == 3);
	finish();
}

/* STUN servers say that the hole is there while no web server is heard: they are not asked all the time. */
static void
test_cleared(void)
{
	unsigned int cleared = 0;
	double begun;

	LIST(A, B, C);
	begin_with_two_up(true);
	for (begun = now; now - begun < 4.5; pass(0.25)) {
		if (doubts > cleared) {
			keeper_clear_doubt(keeper);
			cleared = doubts;
			CHECK(keeper_is_live(keeper));
		}
	}
	CHECK(doubts >= 1 && doubts <= 2);
	CHECK(made == 4); /* and others are tried as soon as ever */
	finish();
}

static void
test_reset(void)
{
	double before;

	LIST(A, B);
	begin_with_two_up(false);
	before = now;
	stay_quiet(3, NULL);
	lose(0, KEEPALIVE_RESET, "reset");
	CHECK(doubts == 1 && losses == 0 && links_made[1]->times.pace == 1);
	/* The other one is not affected: it was the server. */
	CHECK(!keeper_vouches(keeper, before));
	now += 0.5;
	links_made[1]->heard_at = now;
	CHECK(keeper_vouches(keeper, before));
	lose(1, KEEPALIVE_RESET, "reset");
	CHECK(doubts == 1 && losses == 1 && last_loss == LINKS_COMING && keeper_is_connecting(keeper));
	come_up(made - 1);
	CHECK(ups == 2 && !keeper_vouches(keeper, before));
	finish();
}

/* Whoever resets connections again and again would have the STUN servers asked each time. */
static void
test_blame_for_reset(void)
{
	LIST(A, B);
	begin_with_two_up(false);
	lose(0, KEEPALIVE_RESET, "reset");
	CHECK(doubts == 1 && blamed == 0 && made == 3 && goes_to(2, A));
	come_up(2);
	keeper_clear_doubt(keeper);
	CHECK(links_made[2] == NULL && made == 3);
	CHECK(blamed == 1 && addr_equal(&told[0], &servers.keep_alive[0].addr));
	keeper_clear_doubt(keeper);
	CHECK(blamed == 1);
	lose(1, KEEPALIVE_RESET, "reset");
	CHECK(losses == 1); /* all of them: it may have been the NAT */
	come_up(made - 1);
	keeper_clear_doubt(keeper);
	CHECK(blamed == 1);
	finish();
}

/* Servers that say when they close change nothing. */
static void
test_rotation(void)
{
	double before;
	unsigned int i;

	LIST(A, B);
	begin_with_two_up(true);
	before = now;
	for (i = 0; i < 4; i++) {
		now += 60;
		links_made[i]->heard_at = links_made[i + 1]->heard_at = now;
		announce(i);
		come_up(i + 2);
		CHECK(keeper_is_live(keeper) && keeper_vouches(keeper, before));
	}
	CHECK(doubts == 0 && losses == 0 && ups == 1);
	finish();
}

static void
test_no_servers(void)
{
	LIST(A, B);
	begin();
	lose(0, KEEPALIVE_UNREACHED, "refused");
	CHECK(losses == 1 && last_loss == LINKS_COMING);
	lose(1, KEEPALIVE_UNREACHED, "refused");
	CHECK(losses == 2 && last_loss == LINKS_GAVE_UP && !keeper_is_connecting(keeper));
	stay_quiet(10, NULL);
	CHECK(losses == 2 && made == 2);
	keeper_connect(keeper);
	lose(2, KEEPALIVE_NO_WAY, "no way");
	lose(3, KEEPALIVE_NO_WAY, "no way");
	CHECK(losses == 4 && last_loss == LINKS_NO_WAY);
	finish();
}

static void
test_place(void)
{
	struct addr home = address(HOME), elsewhere = address(ELSEWHERE);

	LIST(A, B);
	begin();
	CHECK(keeper_judge_place(keeper, &home) == KEEPER_HERE);
	come_up(0);
	come_up(1);
	CHECK(keeper_judge_place(keeper, &home) == KEEPER_HERE && made == 2);
	/* One that is elsewhere holds nothing. */
	links_made[1]->local = elsewhere;
	CHECK(keeper_judge_place(keeper, &home) == KEEPER_HERE);
	CHECK(links_made[1] == NULL && blamed == 1 && made == 2);
	CHECK(keeper_judge_place(keeper, &elsewhere) == KEEPER_STALE);
	CHECK(keeper_judge_place(keeper, &elsewhere) == KEEPER_ASTRAY);
	CHECK(keeper_judge_place(keeper, &elsewhere) == KEEPER_ALL_ASTRAY);
	CHECK(links_made[0] != NULL && losses == 0); /* that is for the session to decide */
	keeper_look_again(keeper);
	CHECK(keeper_judge_place(keeper, &elsewhere) == KEEPER_STALE);
	keeper_drop(keeper);
	CHECK(keeper_judge_place(keeper, &elsewhere) == KEEPER_HERE);
	/* The STUN servers may be faster than the new connection, again and again. */
	keeper_connect(keeper);
	come_up(2);
	CHECK(keeper_judge_place(keeper, &elsewhere) == KEEPER_ASTRAY);
	finish();
}

static void
test_look_again(void)
{
	LIST(A, B, C);
	begin();
	come_up(0);
	keeper_look_again(keeper);
	CHECK(links_made[0] != NULL && links_made[1] == NULL && made == 3); /* what was on its way may come from anywhere */
	come_up(2);
	links_made[0]->local = address(ELSEWHERE);
	gone = ELSEWHERE;
	keeper_look_again(keeper);
	CHECK(links_made[0] == NULL && links_made[2] != NULL && made == 4 && blamed == 0);
	come_up(3);
	gone = HOME;
	keeper_look_again(keeper);
	CHECK(!keeper_is_up(keeper) && keeper_is_connecting(keeper) && made == 6);
	CHECK(losses == 0); /* who asked sees it */
	finish();
}

static void
test_interval(void)
{
	LIST(A, B);
	begin_with_two_up(false);
	CHECK(keeper_interval(keeper) == 10);
	/* Both are reset, one soon after the other, since the NAT bears no 10 s of idleness. */
	now += 10;
	lose(0, KEEPALIVE_RESET, "reset");
	pass(0.5);
	lose(1, KEEPALIVE_RESET, "reset");
	come_up(2);
	keeper_note_hole_lost(keeper);
	keeper_renew(keeper);
	CHECK(keeper_interval(keeper) == 5);
	come_up(made - 2);
	come_up(made - 1);
	stay_quiet(6, links_made[made - 1]);
	CHECK(links_made[made - 1]->times.pace == 5);
	finish();
	/* What a server did long ago tells nothing, ... */
	begin_with_two_up(false);
	now += 10;
	lose(0, KEEPALIVE_RESET, "reset");
	keeper_clear_doubt(keeper);
	stay_quiet(10, links_made[1]);
	keeper_note_hole_lost(keeper);
	CHECK(keeper_interval(keeper) == 10);
	finish();
	/* ... nor what happened while the NAT was probed every second, ... */
	begin_with_two_up(true);
	stay_quiet(6, NULL);
	lose(1, KEEPALIVE_RESET, "reset");
	keeper_note_hole_lost(keeper);
	CHECK(keeper_interval(keeper) == 10);
	finish();
	/* ... nor a hole that is another one although connections live on. */
	begin_with_two_up(false);
	now += 10;
	keeper_note_hole_lost(keeper);
	CHECK(keeper_interval(keeper) == 10);
	finish();
}

static void
test_other_interval(void)
{
	LIST(A, B);
	begin_with_two_up(false);
	keeper_change_interval(keeper, 30, 60);
	CHECK(keeper_interval(keeper) == 30 && links_made[0]->times.pace == 30);
	keeper_watch(keeper, true);
	keeper_change_interval(keeper, 3, 3);
	CHECK(keeper_interval(keeper) == 3 && links_made[0]->times.pace == 1);
	keeper_watch(keeper, false);
	pass(1);
	CHECK(links_made[0]->times.pace == 3);
	finish();
}

/* The hole is held all the time, and who is left has done nothing wrong. */
static void
test_other_servers(void)
{
	LIST(A, B);
	begin_with_two_up(false);
	keeper_leave_unlisted(keeper);
	CHECK(made == 2);
	/* Another address of a name is no reason, nor another name of an address. */
	LIST(C, A);
	keeper_leave_unlisted(keeper);
	CHECK(made == 2 && !links_made[0]->leaving && !links_made[1]->leaving);
	memset(&servers, 0, sizeof(servers));
	keeper_leave_unlisted(keeper);
	CHECK(!links_made[0]->leaving && !links_made[1]->leaving);
	/* One that holds it is left, and others go at once. */
	LIST(C, B);
	snprintf(servers.keep_alive[0].name, sizeof(servers.keep_alive[0].name), "other");
	keeper_leave_unlisted(keeper);
	CHECK(made == 3 && goes_to(2, C) && links_made[0] == NULL && goes_to(1, B));
	come_up(2);
	/* The last ones go when a successor has come. */
	LIST(D);
	snprintf(servers.keep_alive[0].name, sizeof(servers.keep_alive[0].name), "another");
	keeper_leave_unlisted(keeper);
	CHECK(made == 4 && goes_to(3, D) && count_links(true) == 2);
	come_up(3);
	CHECK(count_links(true) == 1 && goes_to(3, D) && blamed == 0 && losses == 0 && ups == 1);
	finish();
}

int
main(void)
{
	loop_start();
	worker.base = t.base;
	test_pace();
	test_doubt();
	test_stale();
	test_one_silent();
	test_cleared();
	test_reset();
	test_blame_for_reset();
	test_rotation();
	test_no_servers();
	test_place();
	test_look_again();
	test_interval();
	test_other_interval();
	test_other_servers();
	loop_end();
	return check_done();
}
