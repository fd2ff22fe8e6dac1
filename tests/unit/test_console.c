/* SPDX-License-Identifier: ISC */
/*
 * console.c: which report makes which line on standard output and on standard error.
 * NEEDS: supervisor/console supervisor/terminal
 */
#include "console.h"

#include "supervisor.h"

static struct service web;
static int own[2];   /* standard output and error of this program */
static int files[2]; /* those that stand for them while console.c works */

static void
redirect(const int to[2])
{
	fflush(stdout);
	fflush(stderr);
	CHECK(dup2(to[0], STDOUT_FILENO) >= 0 && dup2(to[1], STDERR_FILENO) >= 0);
}

/* What came since it was last asked. */
static const char *
take(int number)
{
	static char texts[2][4096];
	ssize_t n = pread(files[number], texts[number], sizeof(texts[number]) - 1, 0);

	texts[number][n > 0 ? n : 0] = '\0';
	CHECK(ftruncate(files[number], 0) == 0 && lseek(files[number], 0, SEEK_SET) == 0);
	return texts[number];
}

static const char *
out(void)
{
	return take(0);
}

static const char *
err(void)
{
	return take(1);
}

static void
report(enum state state, const char *outer, const char *error)
{
	struct report old = web.report;

	web.report.state = state;
	web.report.outer = addr_of(outer);
	web.report.since = outer[0] != '\0' ? 1700000000 : 0;
	strlcpy(web.report.error, error, sizeof(web.report.error));
	redirect(files);
	console_report(&web, &old);
	redirect(own);
}

static void
test_a_life(void)
{
	report(STATE_WAITING, "", "");
	CHECK_TEXT(err(), "");
	report(STATE_WAITING, "", "no address yet");
	CHECK_TEXT(err(), "waiting: no address yet\n");
	report(STATE_CONNECTING, "", "");
	CHECK_TEXT(err(), "connecting to a keep-alive server\n");
	report(STATE_PROBING, "", "");
	CHECK_TEXT(err(), "asking STUN servers for the outer address\n");
	report(STATE_OPEN, "203.0.113.7:1", "");
	CHECK_TEXT(out(), "TCP 192.168.1.2:5000 <--> 203.0.113.7:1\n");
	CHECK_TEXT(err(), "kept open; the page to look at from outside: http://203.0.113.7:1/\n");
	report(STATE_DEGRADED, "203.0.113.7:1", "closed");
	CHECK_TEXT(err(), "in doubt: closed; checking, and 203.0.113.7:1 still stands\n");
	report(STATE_DEGRADED, "203.0.113.7:1", "closed");
	CHECK_TEXT(err(), "");
	report(STATE_OPEN, "203.0.113.7:1", "");
	CHECK_TEXT(err(), "open at 203.0.113.7:1 again\n");
	CHECK_TEXT(out(), "");
}

static void
test_trouble_is_said_once(void)
{
	report(STATE_BACKOFF, "", "no server answered");
	CHECK_TEXT(err(), "lost 203.0.113.7:1: no server answered; natterd goes on trying\n");
	report(STATE_CONNECTING, "", "no server answered");
	report(STATE_BACKOFF, "", "no server answered");
	CHECK_TEXT(err(), "");
	report(STATE_BACKOFF, "", "the network is down");
	CHECK_TEXT(err(), "failed: the network is down; natterd goes on trying\n");
	CHECK_TEXT(out(), "");
	report(STATE_OPEN, "203.0.113.7:2", "");
	CHECK_TEXT(out(), "TCP 192.168.1.2:5000 <--> 203.0.113.7:2\n");
	CHECK_TEXT(err(), "kept open; the page to look at from outside: http://203.0.113.7:2/\n");
}

static void
test_findings(void)
{
	web.report.reach = REACH_REACHABLE;
	report(STATE_OPEN, "203.0.113.7:2", "");
	CHECK_TEXT(err(), "reachable from outside: something came in\n");
	report(STATE_OPEN, "203.0.113.7:2", "");
	CHECK_TEXT(err(), "");
	web.report.reach = REACH_UNREACHABLE;
	strlcpy(web.report.advice, "forward the port", sizeof(web.report.advice));
	report(STATE_OPEN, "203.0.113.7:2", "");
	CHECK_TEXT(err(), "not reachable from outside: what must have come in was kept out\nnote: forward the port\n");
	report(STATE_OPEN, "203.0.113.7:2", "");
	CHECK_TEXT(err(), "");
	report(STATE_OPEN, "203.0.113.7:3", ""); /* of another address it is news again */
	CHECK(strstr(err(), "not reachable from outside") != NULL);
	CHECK_TEXT(out(), "TCP 192.168.1.2:5000 <--> 203.0.113.7:3\n");
}

/* An address that was never open before the doubt began. */
static void
test_doubt_with_a_new_address(void)
{
	report(STATE_DEGRADED, "203.0.113.7:4", "silent");
	CHECK_TEXT(out(), "TCP 192.168.1.2:5000 <--> 203.0.113.7:4\n");
	CHECK(strstr(err(), "in doubt: silent") != NULL);
}

int
main(void)
{
	int i;

	for (i = 0; i < 2; i++) {
		own[i] = dup(STDOUT_FILENO + i);
		files[i] = fileno(tmpfile());
	}
	fill_service(&web, "tcp-5000", PROTOCOL_TCP, "", "");
	web.mapping.test_page = 1;
	redirect(files);
	console_open(&web.mapping);
	log_warning("a warning");
	redirect(own);
	CHECK_TEXT(err(), "natterd " NATTER_VERSION ": opening TCP port 5000 with a test page; Ctrl-C ends it\n"
			  "warning: a warning\n");
	test_a_life();
	test_trouble_is_said_once();
	test_findings();
	test_doubt_with_a_new_address();
	redirect(files);
	console_close();
	redirect(own);
	CHECK_TEXT(err(), "ended: the port is not kept open any more\n");
	return check_done();
}
