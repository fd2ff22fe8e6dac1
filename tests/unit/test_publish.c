/* SPDX-License-Identifier: ISC */
/*
 * publish.c: what a changed report leads to, with stand-ins for hook, status and notify.
 * NEEDS: supervisor/publish supervisor/complaints supervisor/record supervisor/counts supervisor/outer_event supervisor/quota
 */
#include "publish.h"

#include "hook.h"
#include "notify.h"
#include "status.h"
#include "supervisor.h"

static int hook_updates, writes;

void
hook_update(struct hook *hook)
{
	(void)hook;
	hook_updates++;
}

void
status_write_soon(void)
{
	writes++;
}

void
notify_mappings(void)
{
}

static struct service web;
static const char *advice = ""; /* of the next report */

/* Publishes a report; returns the lines that it led to. */
static const char *
publish_soon(enum state state, const char *outer, const char *error)
{
	struct report old = web.report;

	log_clear();
	hook_updates = writes = 0;
	memset(&web.report, 0, sizeof(web.report));
	web.report.state = state;
	web.report.outer = addr_of(outer);
	web.report.since = outer[0] != '\0' ? 1700000000 : 0;
	strlcpy(web.report.error, error, sizeof(web.report.error));
	strlcpy(web.report.advice, advice, sizeof(web.report.advice));
	publish_report(&web, &old);
	return log_lines;
}

/* The same long after the one before. */
static const char *
publish(enum state state, const char *outer, const char *error)
{
	memset(&web.lines, 0, sizeof(web.lines));
	return publish_soon(state, outer, error);
}

static void
test_a_life(void)
{
	CHECK_TEXT(publish(STATE_CONNECTING, "", ""), "web: connecting\n");
	CHECK(writes == 1 && hook_updates == 1);
	CHECK(web.state_since >= time(NULL) - 60);
	CHECK_TEXT(publish(STATE_OPEN, "203.0.113.7:1", ""), "web: open at 203.0.113.7:1\n");
	CHECK(writes == 1 && hook_updates == 1);
	CHECK_TEXT(publish(STATE_OPEN, "203.0.113.7:2", ""), "web: open at 203.0.113.7:2 (was 203.0.113.7:1)\n");
	CHECK(writes == 1 && hook_updates == 1);
	CHECK_TEXT(publish(STATE_DEGRADED, "203.0.113.7:2", "no answer"), "web: degraded: no answer\n");
	CHECK(writes == 1 && hook_updates == 1);
	CHECK_TEXT(publish(STATE_OPEN, "203.0.113.7:2", ""), "web: open at 203.0.113.7:2 again\n");
	CHECK(writes == 1 && hook_updates == 1);
	CHECK_TEXT(publish(STATE_BACKOFF, "", "no server answered"), "web: lost 203.0.113.7:2: no server answered\n");
	CHECK_TEXT(publish(STATE_BACKOFF, "", "the network is down"), "web: backoff: the network is down\n");
}

static void
test_a_replaced_worker(void)
{
	publish(STATE_OPEN, "203.0.113.7:2", "");
	web.peer.pid = 0;
	log_set_level(LOG_LEVEL_WARNING);
	CHECK_TEXT(publish(STATE_DEGRADED, "203.0.113.7:2", "its worker died"), "web: restarting: its worker died\n");
	CHECK(writes == 1 && web.event != OUTER_DOWN);
	log_set_level(LOG_LEVEL_DEBUG);
	CHECK_TEXT(publish(STATE_BACKOFF, "", "its worker was killed"), "web: lost 203.0.113.7:2: its worker was killed\n");
	web.peer.pid = 4712;
	publish(STATE_WAITING, "", "");
	CHECK_TEXT(publish(STATE_OPEN, "203.0.113.7:2", ""), "web: open at 203.0.113.7:2 again\n");
	CHECK(hook_updates == 1 && writes == 1);
	CHECK(addr_equal(&web.last_outer, &web.report.outer));
}

static void
check_event(enum outer_event event, const char *old_outer)
{
	char text[ADDR_TEXT_SIZE];

	CHECK_TEXT(outer_event_name(web.event), outer_event_name(event));
	CHECK_TEXT(addr_text(&web.old_outer, text), old_outer);
}

/* The last event stays until the next one, whatever else is reported. */
static void
test_events(void)
{
	fill_service(&web, "web", PROTOCOL_TCP, "10.0.0.5:80", "");
	publish(STATE_CONNECTING, "", "");
	check_event(OUTER_SAME, "");
	publish(STATE_OPEN, "203.0.113.7:1", "");
	check_event(OUTER_UP, "");
	publish(STATE_DEGRADED, "203.0.113.7:1", "no answer");
	check_event(OUTER_UP, "");
	publish(STATE_OPEN, "203.0.113.7:2", "");
	check_event(OUTER_CHANGE, "203.0.113.7:1");
	publish(STATE_BACKOFF, "", "no server answered");
	check_event(OUTER_DOWN, "203.0.113.7:2");
	publish(STATE_CONNECTING, "", "");
	check_event(OUTER_DOWN, "203.0.113.7:2");
	publish(STATE_OPEN, "203.0.113.7:2", "");
	check_event(OUTER_UP, "203.0.113.7:2");
	CHECK(web.changes[OUTER_UP] == 2 && web.changes[OUTER_CHANGE] == 1 && web.changes[OUTER_DOWN] == 1);
}

static void
test_no_news(void)
{
	struct report old = web.report;

	log_clear();
	writes = hook_updates = 0;
	web.state_since = 1;
	web.report.bytes_in = 1000;
	publish_report(&web, &old);
	CHECK(writes == 0 && hook_updates == 0 && web.state_since == 1);
	CHECK_TEXT(log_lines, "");
	CHECK_TEXT(publish(STATE_OPEN, "203.0.113.7:2", "a server is slow"), "");
	CHECK(writes == 1 && web.state_since == 1);
}

/* At the usual level a doubt is silent, a failure is said once, and so is its end. */
static void
test_what_is_news(void)
{
	log_set_level(LOG_LEVEL_INFO);
	publish(STATE_OPEN, "203.0.113.7:3", "");
	CHECK_TEXT(publish(STATE_DEGRADED, "203.0.113.7:3", "the server closed the connection"), "");
	CHECK_TEXT(publish(STATE_OPEN, "203.0.113.7:3", ""), "");
	publish(STATE_DEGRADED, "203.0.113.7:3", "a server is silent");
	CHECK_TEXT(publish(STATE_DEGRADED, "203.0.113.7:3", "all are silent"), "web: degraded: all are silent\n");
	CHECK_TEXT(publish(STATE_BACKOFF, "", "no server answered"), "web: lost 203.0.113.7:3: no server answered\n");
	publish(STATE_CONNECTING, "", "no server answered");
	CHECK_TEXT(publish(STATE_BACKOFF, "", "no server answered"), "");
	CHECK_TEXT(publish(STATE_OPEN, "203.0.113.7:3", ""), "web: open at 203.0.113.7:3 again\n");
	log_set_level(LOG_LEVEL_DEBUG);
}

/* With each try another server is to blame, or another kind of them. */
static void
test_taking_turns(void)
{
	int i;

	log_set_level(LOG_LEVEL_INFO);
	publish(STATE_OPEN, "203.0.113.7:3", "");
	publish(STATE_DEGRADED, "203.0.113.7:3", "no server is heard");
	CHECK_TEXT(publish(STATE_DEGRADED, "203.0.113.7:3", "keep-alive server A: refused"),
	    "web: degraded: keep-alive server A: refused\n");
	CHECK_TEXT(publish(STATE_DEGRADED, "203.0.113.7:3", "No STUN server. Tried A."),
	    "web: degraded: No STUN server. Tried A.\n");
	for (i = 0; i < 3; i++) {
		CHECK_TEXT(publish(STATE_DEGRADED, "203.0.113.7:3", "keep-alive server B: no answer"), "");
		CHECK_TEXT(publish(STATE_DEGRADED, "203.0.113.7:3", "keep-alive server A: refused"), "");
		CHECK_TEXT(publish(STATE_DEGRADED, "203.0.113.7:3", "No STUN server. Tried B."), "");
	}
	CHECK_TEXT(publish(STATE_BACKOFF, "", "No STUN server. Tried B."), "web: lost 203.0.113.7:3: No STUN server. Tried B.\n");
	publish(STATE_PROBING, "", "No STUN server. Tried B.");
	CHECK_TEXT(publish(STATE_BACKOFF, "", "No STUN server. Tried A."), "");
	publish(STATE_OPEN, "203.0.113.7:3", "");
	publish(STATE_DEGRADED, "203.0.113.7:3", "no server is heard");
	CHECK_TEXT(publish(STATE_DEGRADED, "203.0.113.7:3", "keep-alive server A: refused"),
	    "web: degraded: keep-alive server A: refused\n");
	log_set_level(LOG_LEVEL_DEBUG);
}

static int observed, observed_too;

static void
observe(const struct service *s, const struct report *old)
{
	CHECK(s == &web && old->state == STATE_OPEN);
	observed++;
}

static void
observe_too(const struct service *s, const struct report *old)
{
	(void)s, (void)old;
	observed_too++;
}

/* The last test: observers stay.  Who is told otherwise does not find the same in the log. */
static void
test_observers(void)
{
	publish(STATE_OPEN, "203.0.113.7:3", "");
	log_set_level(LOG_LEVEL_WARNING);
	publish_add_observer(observe);
	CHECK_TEXT(publish(STATE_BACKOFF, "", "no server answered at all"), "web: lost 203.0.113.7:3: no server answered at all\n");
	CHECK(observed == 1);
	publish_add_observer(observe_too);
	publish_quiet_log();
	web.report.state = STATE_OPEN;
	CHECK_TEXT(publish(STATE_BACKOFF, "", "no server answered, again"), "");
	CHECK(observed == 2 && observed_too == 1);
}

/* What follows the first sentence is another one with every try. */
static void
test_what_was_tried(void)
{
	log_set_level(LOG_LEVEL_INFO);
	publish(STATE_OPEN, "203.0.113.7:4", "");
	CHECK_TEXT(publish(STATE_BACKOFF, "", "No server. Tried 1: a"), "web: lost 203.0.113.7:4: No server. Tried 1: a\n");
	CHECK_TEXT(publish(STATE_BACKOFF, "", "No server. Tried 2: a, b"), "");
	CHECK_TEXT(publish(STATE_BACKOFF, "", "No server"), "");
	CHECK_TEXT(publish(STATE_BACKOFF, "", "No servers. Tried"), "web: backoff: No servers. Tried\n");
	CHECK_TEXT(publish(STATE_BACKOFF, "", "No. Tried"), "web: backoff: No. Tried\n");
	log_set_level(LOG_LEVEL_DEBUG);
}

/* Said once when it becomes true, after the address that it is about. */
static void
test_advice(void)
{
	advice = "No need.";
	CHECK_TEXT(publish(STATE_OPEN, "203.0.113.7:5", ""),
	    "web: open at 203.0.113.7:5 (was 203.0.113.7:4)\nweb: No need.\n");
	CHECK_TEXT(publish(STATE_DEGRADED, "203.0.113.7:5", "x"), "web: degraded: x\n");
	advice = "Nobody gets in.";
	CHECK_TEXT(publish(STATE_DEGRADED, "203.0.113.7:5", "x"), "web: Nobody gets in.\n");
	CHECK(writes == 1 && hook_updates == 1);
	advice = "";
	CHECK_TEXT(publish(STATE_OPEN, "203.0.113.7:5", ""), "web: open at 203.0.113.7:5 again\n");
}

/* A mapping that flaps says so in the log for a while, and at last how often more it did. */
static void
test_flapping(void)
{
	char outer[ADDR_TEXT_SIZE];
	int i, logged = 0;

	log_set_level(LOG_LEVEL_INFO);
	publish(STATE_OPEN, "203.0.113.8:1", "");
	for (i = 0; i < 100; i++) {
		snprintf(outer, sizeof(outer), "203.0.113.8:%d", 10 + i);
		publish_soon(STATE_OPEN, outer, "");
		logged += log_count("web: open at");
		publish_soon(STATE_DEGRADED, outer, "for debugging only");
	}
	CHECK(logged == 19);
	web.lines.began -= 10;
	CHECK_TEXT(publish_soon(STATE_OPEN, "203.0.113.8:1", ""),
	    "web: 81 more lines were left out\nweb: open at 203.0.113.8:1 (was 203.0.113.8:109)\n");
	log_set_level(LOG_LEVEL_DEBUG);
}

int
main(void)
{
	log_set_sink(keep_line);
	log_set_level(LOG_LEVEL_DEBUG);
	fill_service(&web, "web", PROTOCOL_TCP, "10.0.0.5:80", "");
	web.report.state = STATE_WAITING;
	test_a_life();
	test_a_replaced_worker();
	test_events();
	test_no_news();
	test_what_is_news();
	test_taking_turns();
	test_what_was_tried();
	test_advice();
	test_flapping();
	test_observers();
	return check_done();
}
