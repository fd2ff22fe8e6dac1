/* SPDX-License-Identifier: ISC */
/*
 * console.c: which report makes which line on standard output and on standard error,
 * with a stand-in for the resolver.
 * NEEDS: supervisor/console supervisor/complaints supervisor/terminal
 */
#include "console.h"

#include <fcntl.h>

#include "resolve.h"
#include "supervisor.h"

static uint32_t names_known;
static bool names_settled;

bool
resolve_is_settled(const struct config_hosts *hosts)
{
	(void)hosts;
	return names_settled;
}

void
resolve_servers(const struct config_mapping *mapping, struct servers *out)
{
	(void)mapping;
	memset(out, 0, sizeof(*out));
	out->stun_count = names_known;
}

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
	CHECK_TEXT(err(), "kept open; the page to look at from outside: http://203.0.113.7:1/\n"
			  "try it from outside: whether strangers get in cannot always be seen from here\n");
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
	report(STATE_BACKOFF, "", "symmetric. A sees 203.0.113.7:8, B sees 203.0.113.7:9.");
	CHECK_TEXT(err(), "failed: symmetric. A sees 203.0.113.7:8, B sees 203.0.113.7:9; natterd goes on trying\n");
	report(STATE_BACKOFF, "", "symmetric. A sees 203.0.113.7:10, B sees 203.0.113.7:11.");
	report(STATE_CONNECTING, "", "symmetric. A sees 203.0.113.7:10, B sees 203.0.113.7:11.");
	report(STATE_BACKOFF, "", "symmetric. C was silent.");
	CHECK_TEXT(err(), "");
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
	CHECK_TEXT(err(), "a connection to the outer address came back in; a firewall further out cannot be seen from here\n");
	report(STATE_OPEN, "203.0.113.7:2", "");
	CHECK_TEXT(err(), "");
	web.report.reach = REACH_UNREACHABLE;
	report(STATE_OPEN, "203.0.113.7:2", "");
	CHECK_TEXT(err(), "not reachable from outside: what must have come in was kept out\n");
	report(STATE_OPEN, "203.0.113.7:2", "");
	CHECK_TEXT(err(), "");
	strlcpy(web.report.advice, "Nobody gets in.", sizeof(web.report.advice));
	report(STATE_OPEN, "203.0.113.7:3", ""); /* of another address it is news again, in one line */
	CHECK_TEXT(err(), "kept open; the page to look at from outside: http://203.0.113.7:3/\nnote: Nobody gets in.\n");
	report(STATE_OPEN, "203.0.113.7:3", "");
	CHECK_TEXT(err(), "");
	CHECK_TEXT(out(), "TCP 192.168.1.2:5000 <--> 203.0.113.7:3\n");
}

static void
test_udp_findings(void)
{
	web.mapping.protocol = PROTOCOL_UDP;
	web.report.advice[0] = '\0';
	web.report.reach = REACH_REACHABLE;
	report(STATE_OPEN, "203.0.113.7:3", "");
	CHECK_TEXT(out(), "UDP 192.168.1.2:5000 <--> 203.0.113.7:3\n");
	CHECK_TEXT(err(), "kept open; a datagram that is sent there from outside comes back\n"
			  "reachable from outside: something came in\n");
	web.mapping.protocol = PROTOCOL_TCP;
}

/* Without a test page: nobody looked whether there is such a program. */
static void
test_program(void)
{
	web.mapping.test_page = 0;
	report(STATE_OPEN, "203.0.113.7:5", "");
	CHECK(strstr(err(), "goes to whatever program listens on TCP port 5000 here\n") != NULL);
	CHECK(strstr(out(), "203.0.113.7:5") != NULL);
	web.mapping.test_page = 1;
}

/* An address that was never open before the doubt began. */
static void
test_doubt_with_a_new_address(void)
{
	report(STATE_DEGRADED, "203.0.113.7:4", "silent");
	CHECK_TEXT(out(), "TCP 192.168.1.2:5000 <--> 203.0.113.7:4\n");
	CHECK(strstr(err(), "in doubt: silent; checking") != NULL);
	report(STATE_DEGRADED, "203.0.113.7:4", "silent. A was asked.");
	CHECK_TEXT(err(), "");
	report(STATE_DEGRADED, "203.0.113.7:4", "Refused.");
	CHECK_TEXT(err(), "in doubt: Refused; checking, and 203.0.113.7:4 still stands\n");
	report(STATE_DEGRADED, "203.0.113.7:4", "silent. A was asked."); /* they take turns */
	report(STATE_DEGRADED, "203.0.113.7:4", "Refused.");
	CHECK_TEXT(err(), "");
}

/* What the resolver logs of two names, and what is said of it. */
static const char *
resolve_nothing(void)
{
	redirect(files);
	log_warning("natterd: cannot resolve a.example: no DNS (trying again)");
	log_warning("natterd: cannot resolve b.example: no DNS (trying again)");
	event_base_loop(base, EVLOOP_NONBLOCK);
	redirect(own);
	return err();
}

static void
test_no_names(void)
{
	CHECK_TEXT(resolve_nothing(), ""); /* others are still looked up */
	names_settled = true;
	names_known = 1;
	CHECK_TEXT(resolve_nothing(), "");
	names_known = 0;
	CHECK_TEXT(resolve_nothing(), "no name of the servers can be resolved (no DNS?); natterd goes on trying\n");
	CHECK_TEXT(resolve_nothing(), "");
}

static void
test_unwritable_output(void)
{
	int full = open("/dev/full", O_WRONLY | O_CLOEXEC);

	CHECK(full >= 0 && !console_has_failed());
	files[0] = full;
	report(STATE_OPEN, "203.0.113.7:6", "");
	CHECK_TEXT(err(), "cannot write the address to standard output: No space left on device; natterd ends\n");
	CHECK(console_has_failed() && event_base_got_break(base));
	report(STATE_OPEN, "203.0.113.7:7", "");
	CHECK_TEXT(err(), "");
}

int
main(void)
{
	static const struct config_mapping config;
	int i;

	for (i = 0; i < 2; i++) {
		own[i] = dup(STDOUT_FILENO + i);
		files[i] = fileno(tmpfile());
	}
	fill_service(&web, "tcp-5000", PROTOCOL_TCP, "", "");
	web.mapping.test_page = 1;
	web.config = &config;
	TAILQ_INSERT_TAIL(&table, &web, entry);
	loop_open();
	redirect(files);
	console_open(&web.mapping);
	console_use_loop(base);
	log_warning("a warning");
	redirect(own);
	CHECK_TEXT(err(), "natterd " NATTER_VERSION ": opening TCP port 5000 with a test page; Ctrl-C ends it\n"
			  "warning: a warning\n");
	test_a_life();
	test_trouble_is_said_once();
	test_findings();
	test_udp_findings();
	test_program();
	test_doubt_with_a_new_address();
	test_no_names();
	redirect(files);
	console_close();
	redirect(own);
	CHECK_TEXT(err(), "ended: the port is not kept open any more\n");
	test_unwritable_output();
	return check_done();
}
