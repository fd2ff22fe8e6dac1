/* SPDX-License-Identifier: ISC */
/*
 * neighbours.c and watch.c: who behind a NAT is told what, how often, and who watches it.
 * Only what reaches a worker is of interest, so peer.c's functions count here.
 * NEEDS: supervisor/neighbours supervisor/watch supervisor/quota
 */
#include "neighbours.h"

#include "supervisor.h"
#include "watch.h"

#define MANY 200

static struct service all[MANY];
static unsigned int told[MANY], duties[MANY];
static bool duty[MANY];

static size_t
index_of(const struct peer *p)
{
	size_t i;

	for (i = 0; i < MANY; i++)
		if (&all[i].peer == p)
			return i;
	abort();
}

void
peer_look_again(struct peer *p, enum again_reason reason)
{
	CHECK(reason == AGAIN_NEIGHBOUR);
	told[index_of(p)]++;
}

void
peer_send_duty(struct peer *p, bool watch)
{
	if (p->pid == 0)
		return;
	duty[index_of(p)] = watch;
	duties[index_of(p)]++;
}

static void
add(size_t i, const char *name, enum protocol protocol, const char *bind)
{
	fill_service(&all[i], name, protocol, "10.0.0.5:80", "203.0.113.7:1000");
	all[i].mapping.bind = addr_of(bind);
	all[i].mapping.keep_alive_shortest = 2;
	all[i].mapping.keep_alive_longest = 15;
	all[i].last_outer = all[i].report.outer;
	TAILQ_INSERT_TAIL(&table, &all[i], entry);
}

static void
clear(void)
{
	neighbours_close();
	TAILQ_INIT(&table);
	memset(told, 0, sizeof(told));
	memset(duties, 0, sizeof(duties));
	memset(duty, 0, sizeof(duty));
	neighbours_open(base);
}

static unsigned int
told_in_all(void)
{
	unsigned int sum = 0;
	size_t i;

	for (i = 0; i < MANY; i++)
		sum += told[i];
	return sum;
}

/* Takes a report with this outer address, "" for none, and so many lost holes. */
static void
report(size_t i, const char *outer, uint32_t holes_lost)
{
	struct report old = all[i].report;

	all[i].report.state = outer[0] != '\0' ? STATE_OPEN : STATE_BACKOFF;
	all[i].report.outer = addr_of(outer);
	all[i].report.holes_lost = holes_lost;
	neighbours_take_report(&all[i], &old);
	if (outer[0] != '\0')
		all[i].last_outer = all[i].report.outer; /* as publish.c does */
}

static void
move(size_t i)
{
	char outer[ADDR_TEXT_SIZE];

	addr_set_port(&all[i].last_outer, (uint16_t)(addr_port(&all[i].last_outer) + 1));
	addr_text(&all[i].last_outer, outer);
	addr_set_port(&all[i].last_outer, 1);
	report(i, outer, all[i].report.holes_lost);
}

/* What is news, and whom it concerns. */
static void
test_who(void)
{
	static const char *const binds[] = {"0.0.0.0:1", "0.0.0.0:2", "[::]:3", "192.168.1.2:4", "192.168.1.2:5"};
	size_t i;

	clear();
	for (i = 0; i < 5; i++)
		add(i, binds[i], i % 2 == 0 ? PROTOCOL_TCP : PROTOCOL_UDP, binds[i]);
	all[3].last_outer = addr_of("");
	report(3, "203.0.113.7:1001", 0);
	CHECK(told_in_all() == 0); /* the first address of a mapping is no change */
	report(4, "203.0.113.7:1000", 0);
	CHECK(told_in_all() == 0);
	report(3, "203.0.113.7:1005", 0);
	CHECK(told[4] == 1 && told_in_all() == 1);
	report(0, "203.0.113.8:1000", 0);
	CHECK(told[1] == 1 && told_in_all() == 2);
	report(2, "", 1); /* who is alone has nobody to tell */
	CHECK(told_in_all() == 2);
}

/* The network may be gone, or back, for all. */
static void
test_gone_and_back(void)
{
	clear();
	add(0, "web", PROTOCOL_TCP, "0.0.0.0:1");
	add(1, "game", PROTOCOL_UDP, "0.0.0.0:2");
	report(0, "", 0);
	CHECK(told[1] == 1 && told_in_all() == 1);
	clear();
	add(0, "web", PROTOCOL_TCP, "0.0.0.0:1");
	add(1, "game", PROTOCOL_UDP, "0.0.0.0:2");
	all[0].report.outer = addr_of("");
	report(0, "203.0.113.7:1000", 0);
	CHECK(told[1] == 1 && told_in_all() == 1);
}

static void
test_a_lost_hole(void)
{
	clear();
	add(0, "a", PROTOCOL_TCP, "0.0.0.0:1");
	add(1, "b", PROTOCOL_TCP, "0.0.0.0:2");
	report(0, "203.0.113.7:1000", 1);
	CHECK(told[1] == 1 && told[0] == 0);
	/* A new worker counts from 0, and knows its first address while its predecessor's still counts. */
	report(1, "", 0);
	CHECK(told_in_all() == 1);
	report(1, "203.0.113.7:1001", 0);
	RUN_UNTIL(told[0] == 1);
	CHECK(told_in_all() == 2);
	/* A counter that starts again is no loss, one that goes on from there is. */
	report(0, "203.0.113.7:1000", 0);
	report(1, "203.0.113.7:1001", 1);
	RUN_UNTIL(told[0] == 2);
	CHECK(told_in_all() == 3);
}

/* Within a pause: nothing.  After it: once, and only who does not have all of the news itself. */
static void
test_pauses(void)
{
	double began = seconds();

	clear();
	add(0, "a", PROTOCOL_TCP, "0.0.0.0:1");
	add(1, "b", PROTOCOL_TCP, "0.0.0.0:2");
	add(2, "c", PROTOCOL_UDP, "0.0.0.0:3");
	move(0);
	CHECK(told[0] == 0 && told[1] == 1 && told[2] == 1);
	move(1);
	move(1);
	RUN_UNTIL(told[2] == 2);
	CHECK(seconds() - began > 1.9);
	CHECK(told[0] == 1 && told[1] == 1);
	move(0);
	move(1);
	RUN_UNTIL(told[2] == 3);
	CHECK(told[0] == 2 && told[1] == 2);
	/* After a pause without news the next one is told at once again. */
	began = seconds();
	RUN_UNTIL(seconds() - began > 2.1);
	CHECK(told_in_all() == 7);
	move(2);
	CHECK(told[0] == 3 && told[1] == 3 && told[2] == 3);
}

/* All notice the same, and one of them never stops. */
static void
test_storm(void)
{
	double began = seconds();
	size_t i;

	clear();
	for (i = 0; i < MANY; i++)
		add(i, "m", i % 2 == 0 ? PROTOCOL_TCP : PROTOCOL_UDP, "0.0.0.0:1");
	for (i = 0; i < MANY; i++)
		move(i);
	CHECK(told_in_all() == MANY - 1);
	while (seconds() - began < 5) {
		move(7);
		event_base_loop(base, EVLOOP_ONCE);
	}
	for (i = 0; i < MANY; i++)
		CHECK(told[i] <= 3 && (told[i] == 3 || i == 0 || i == 7));
}

/* Has this one the duty, alone, and has nobody been told anything that is not new? */
static bool
watches_alone(size_t holder, unsigned int messages)
{
	unsigned int sum = 0;
	size_t i;

	for (i = 0; i < MANY; i++) {
		sum += duties[i];
		if (duty[i] != (i == holder) && all[i].peer.pid != 0)
			return false;
	}
	return sum == messages;
}

static void
change(size_t i, enum state state)
{
	all[i].report.state = state;
	watch_choose(&all[i]);
}

static void
die(size_t i)
{
	all[i].peer.pid = 0;
	change(i, STATE_BACKOFF);
	duty[i] = false;
}

static void
live(size_t i)
{
	all[i].peer.pid = 4711;
	watch_start(&all[i]);
}

static void
begin_watch(void)
{
	static const enum protocol protocols[] = {PROTOCOL_UDP, PROTOCOL_TCP, PROTOCOL_TCP, PROTOCOL_TCP};
	size_t i;

	memset(all, 0, sizeof(all));
	clear();
	for (i = 0; i < 4; i++) {
		add(i, "m", protocols[i], "0.0.0.0:1");
		all[i].peer.pid = 0;
		all[i].report.state = STATE_WAITING;
	}
	for (i = 0; i < 4; i++)
		live(i);
}

static void
test_watch(void)
{
	begin_watch();
	CHECK(watches_alone(1, 1)); /* somebody has it from the start, and never UDP */
	change(0, STATE_OPEN);
	CHECK(watches_alone(1, 1));
	change(2, STATE_DEGRADED);
	CHECK(watches_alone(2, 3));
	change(1, STATE_OPEN);
	change(3, STATE_OPEN);
	CHECK(watches_alone(2, 3)); /* it stays */
	change(2, STATE_CONNECTING);
	CHECK(watches_alone(1, 5));
	change(2, STATE_OPEN);
	change(1, STATE_DEGRADED);
	CHECK(watches_alone(1, 5));
	change(1, STATE_BACKOFF);
	CHECK(watches_alone(2, 7));
	change(2, STATE_BACKOFF);
	change(3, STATE_BACKOFF);
	CHECK(watches_alone(3, 9)); /* the last keeps it while there is none better */
	change(1, STATE_CONNECTING);
	CHECK(watches_alone(3, 9));
}

/* Who fixed the interval wants no other. */
static void
test_watch_fixed(void)
{
	begin_watch();
	CHECK(watches_alone(1, 1));
	all[1].mapping.keep_alive_longest = all[1].mapping.keep_alive_shortest;
	watch_choose(&all[1]);
	CHECK(watches_alone(2, 3));
}

static void
test_watch_after_death(void)
{
	begin_watch();
	change(2, STATE_OPEN);
	change(3, STATE_OPEN);
	CHECK(watches_alone(2, 3));
	die(2);
	CHECK(watches_alone(3, 4));
	live(2);
	change(2, STATE_OPEN);
	CHECK(watches_alone(3, 4));
	die(2);
	die(1);
	die(3);
	CHECK(watches_alone(MANY, 4));
	live(3); /* a new worker knows nothing of what its predecessor was told */
	CHECK(watches_alone(3, 5));
	live(3);
	CHECK(watches_alone(3, 6));
}

static void
test_watch_groups(void)
{
	clear();
	add(0, "a", PROTOCOL_TCP, "0.0.0.0:1");
	add(1, "b", PROTOCOL_TCP, "192.168.1.2:1");
	add(2, "c", PROTOCOL_TCP, "[::]:1");
	watch_start(&all[0]);
	watch_start(&all[1]);
	watch_start(&all[2]);
	CHECK(duty[0] && duty[1] && duty[2]);
}

int
main(void)
{
	loop_open();
	test_who();
	test_gone_and_back();
	test_a_lost_hole();
	test_pauses();
	test_storm();
	test_watch();
	test_watch_fixed();
	test_watch_after_death();
	test_watch_groups();
	neighbours_close();
	return check_done();
}
