/* SPDX-License-Identifier: ISC */
/*
 * Progress for people; see console.h.  A trouble is said once, not at every try
 * that ends in it; what follows it is its end, or another one.
 */
#include "console.h"

#include <bsd/string.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "resolve.h"
#include "terminal.h"

static struct {
	char address[2 * ADDR_TEXT_SIZE + 16]; /* the last line of standard output */
	struct complaints troubles;            /* since it was open */
	char advice[REPORT_ADVICE_SIZE];       /* the last one */
	uint32_t reach;                        /* what was last said of this address */
	bool asked_to_try;
	bool has_no_names; /* said since it was open */
	bool failed;       /* standard output cannot be written */
	struct event_base *base;
} console;

static void __attribute__((format(printf, 2, 3)))
say(const char *colour, const char *format, ...)
{
	va_list args;

	if (console.failed)
		return; /* why it ends is the last word */
	terminal_begin(stderr, colour);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	terminal_end(stderr, colour);
	fputc('\n', stderr);
}

/* Every name was tried: what becomes of a single one matters only if no other will do. */
static void
on_names(evutil_socket_t fd, short what, void *arg)
{
	const struct service *s = TAILQ_FIRST(services_all());
	struct servers known;

	(void)fd;
	(void)what;
	(void)arg;
	if (s == NULL || console.has_no_names || !resolve_is_settled(&s->config->stun) ||
	    !resolve_is_settled(&s->config->keep_alive))
		return;
	resolve_servers(s->config, &known);
	console.has_no_names = known.stun_count + known.keep_alive_count == 0;
	if (console.has_no_names)
		say(TERMINAL_BAD, "no name of the servers can be resolved (no DNS?); natterd goes on trying");
}

/* A resolver without DNS has a line for each of many names.  It counts the name as
 * failing after that line: it is looked at when the loop runs again. */
static bool
is_summed_up(const char *text)
{
	static const char beginning[] = "natterd: cannot resolve ";
	static const struct timeval at_once = {0};

	return strncmp(text, beginning, strlen(beginning)) == 0 && console.base != NULL &&
	       event_base_once(console.base, -1, EV_TIMEOUT, on_names, NULL, &at_once) == 0;
}

static void
on_log_line(enum log_level level, const char *text)
{
	if (is_summed_up(text))
		return;
	say(level == LOG_LEVEL_ERROR ? TERMINAL_BAD : TERMINAL_DOUBT, "%s: %s", log_level_name(level), text);
}

static const char *
protocol_label(const struct mapping *m)
{
	return m->protocol == PROTOCOL_TCP ? "TCP" : "UDP";
}

static void
say_how_to_try(const struct service *s)
{
	char outer[ADDR_TEXT_SIZE];

	addr_text(&s->report.outer, outer);
	if (s->mapping.test_page == 0)
		say(TERMINAL_PLAIN, "kept open; what comes in there goes to whatever program %s port %u here",
		    s->mapping.protocol == PROTOCOL_TCP ? "listens on TCP" : "has UDP", addr_port(&s->mapping.bind));
	else if (s->mapping.protocol == PROTOCOL_TCP)
		say(TERMINAL_PLAIN, "kept open; the page to look at from outside: http://%s/", outer);
	else
		say(TERMINAL_PLAIN, "kept open; a datagram that is sent there from outside comes back");
	if (!console.asked_to_try)
		say(TERMINAL_PLAIN, "try it from outside: whether strangers get in cannot always be seen from here");
	console.asked_to_try = true;
}

/* A script waits for the line that cannot be written, for ever. */
static void
end_unwritable(int error)
{
	say(TERMINAL_BAD, "cannot write the address to standard output: %s; natterd ends", strerror(error));
	console.failed = true;
	if (console.base != NULL)
		event_base_loopbreak(console.base);
}

/* Returns false if it is the one that was printed before. */
static bool
print_address(const struct service *s)
{
	char line[sizeof(console.address)], inner[ADDR_TEXT_SIZE], outer[ADDR_TEXT_SIZE];

	snprintf(line, sizeof(line), "%s %s <--> %s", protocol_label(&s->mapping), addr_text(&s->report.inner, inner),
	    addr_text(&s->report.outer, outer));
	if (strcmp(line, console.address) == 0)
		return false;
	strlcpy(console.address, line, sizeof(console.address));
	console.reach = REACH_UNKNOWN;
	terminal_begin(stdout, TERMINAL_GOOD);
	fputs(line, stdout);
	terminal_end(stdout, TERMINAL_GOOD);
	if (putchar('\n') == EOF || fflush(stdout) == EOF)
		end_unwritable(errno);
	return true;
}

/* The length of a trouble without its full stop: our own words follow. */
static int
length_of(const char *trouble)
{
	size_t length = strlen(trouble);

	return (int)(length > 0 && trouble[length - 1] == '.' ? length - 1 : length);
}

static void
report_open(const struct service *s, const struct report *old)
{
	char outer[ADDR_TEXT_SIZE];

	if (print_address(s))
		say_how_to_try(s);
	else if (old->state != STATE_OPEN)
		say(TERMINAL_PLAIN, "open at %s again", addr_text(&s->report.outer, outer));
	complaints_clear(&console.troubles);
	console.has_no_names = false;
}

/* An address may come without ever being open: the doubt began first. */
static void
report_doubt(const struct service *s)
{
	const char *error = s->report.error;
	char outer[ADDR_TEXT_SIZE];

	if (print_address(s))
		say_how_to_try(s);
	if (complaints_take(&console.troubles, error))
		say(TERMINAL_DOUBT, "in doubt: %.*s; checking, and %s still stands", length_of(error), error,
		    addr_text(&s->report.outer, outer));
}

static void
report_failure(const struct service *s, const struct report *old)
{
	const char *error = s->report.error;
	char was[ADDR_TEXT_SIZE];
	bool is_new = complaints_take(&console.troubles, error);

	if (addr_is_set(&old->outer))
		say(TERMINAL_BAD, "lost %s: %.*s; natterd goes on trying", addr_text(&old->outer, was), length_of(error),
		    error);
	else if (is_new)
		say(TERMINAL_BAD, "failed: %.*s; natterd goes on trying", length_of(error), error);
}

static void
report_step(const struct service *s, const struct report *old)
{
	const struct report *r = &s->report;
	bool same = r->state == old->state && strcmp(r->error, old->error) == 0;

	if (same || complaints_any(&console.troubles))
		return; /* that natterd goes on trying has been said */
	if (r->state == STATE_CONNECTING)
		say(TERMINAL_PLAIN, "connecting to a keep-alive server");
	else if (r->state == STATE_PROBING)
		say(TERMINAL_PLAIN, "asking STUN servers for the outer address");
	else if (r->error[0] != '\0')
		say(TERMINAL_PLAIN, "waiting: %s", r->error);
}

/* Over TCP only our own connection came back in, which may have turned around at the
 * nearest NAT. */
static void
report_reachable(const struct service *s)
{
	if (s->mapping.protocol == PROTOCOL_UDP)
		say(TERMINAL_GOOD, "reachable from outside: something came in");
	else
		say(TERMINAL_PLAIN, "a connection to the outer address came back in; a firewall further out cannot be seen "
				    "from here");
}

static void
report_findings(const struct service *s)
{
	const struct report *r = &s->report;

	if (r->reach != console.reach && r->reach == REACH_REACHABLE)
		report_reachable(s);
	else if (r->reach != console.reach && r->reach == REACH_UNREACHABLE && r->advice[0] == '\0')
		say(TERMINAL_DOUBT, "not reachable from outside: what must have come in was kept out");
	if (r->reach != REACH_UNKNOWN)
		console.reach = r->reach;
	if (r->advice[0] != '\0' && strcmp(r->advice, console.advice) != 0)
		say(TERMINAL_DOUBT, "note: %s", r->advice); /* if nobody gets in, that is what it says */
	strlcpy(console.advice, r->advice, sizeof(console.advice));
}

void
console_report(const struct service *service, const struct report *old)
{
	if (console.failed)
		return;
	switch (service->report.state) {
	case STATE_OPEN:
		report_open(service, old);
		break;
	case STATE_DEGRADED:
		report_doubt(service);
		break;
	case STATE_BACKOFF:
		report_failure(service, old);
		break;
	default:
		report_step(service, old);
		break;
	}
	report_findings(service);
}

void
console_open(const struct mapping *mapping)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	log_set_sink(on_log_line);
	say(TERMINAL_PLAIN, "natterd " NATTER_VERSION ": opening %s port %u%s; Ctrl-C ends it", protocol_label(mapping),
	    addr_port(&mapping->bind),
	    mapping->test_page == 0               ? ""
	    : mapping->protocol == PROTOCOL_TCP ? " with a test page"
						: " with an echo");
}

void
console_close(void)
{
	say(TERMINAL_PLAIN, "ended: the port is not kept open any more");
}

void
console_use_loop(struct event_base *base)
{
	console.base = base;
}

bool
console_has_failed(void)
{
	return console.failed;
}
