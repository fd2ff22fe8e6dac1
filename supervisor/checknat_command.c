/* SPDX-License-Identifier: ISC */
/*
 * The NAT check of the command line; see checknat_command.h.
 */
#include "checknat_command.h"

#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "checknat.h"
#include "checknat_print.h"
#include "checknat_verdict.h"
#include "log.h"
#include "peer.h"
#include "resolve.h"
#include "spawn.h"
#include "terminal.h"

#define JSON_STYLE (JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED | JSON_C_TO_STRING_NOSLASHESCAPE)

struct command {
	struct event_base *base;
	struct checknat *check;
	bool json;
	int status;
};

/* Progress needs no level. */
static void
on_log_line(enum log_level level, const char *text)
{
	const char *colour = level == LOG_LEVEL_ERROR	 ? TERMINAL_BAD
			     : level == LOG_LEVEL_WARNING ? TERMINAL_DOUBT
							  : TERMINAL_PLAIN;

	terminal_begin(stderr, colour);
	fprintf(stderr, "%s%s%s", level != LOG_LEVEL_INFO ? log_level_name(level) : "",
	    level != LOG_LEVEL_INFO ? ": " : "", text);
	terminal_end(stderr, colour);
	fputc('\n', stderr);
}

static void
on_done(void *context, const struct checknat_result *result)
{
	struct command *c = context;
	struct json_object *verdict = checknat_verdict(result);

	if (c->json)
		puts(json_object_to_json_string_ext(verdict, JSON_STYLE));
	else
		checknat_print(verdict);
	c->status = checknat_status(verdict);
	if (fflush(stdout) != 0 || ferror(stdout)) {
		log_error("cannot write the result: %s", strerror(errno));
		c->status = CHECKNAT_UNKNOWN;
	}
	json_object_put(verdict);
	event_base_loopbreak(c->base);
}

static void
on_signal(evutil_socket_t number, short what, void *arg)
{
	struct command *c = arg;

	(void)what;
	log_error("the check was ended by signal %s", strsignal((int)number));
	event_base_loopbreak(c->base);
}

/* A check asks the resolver itself when it needs to know. */
static void
on_names(void)
{
}

static void
run(struct command *c, const struct config *config, const struct addr *bind)
{
	if (spawn_open(c->base) < 0)
		return;
	if (resolve_open(c->base, config, on_names) < 0) {
		log_error("cannot begin to resolve names: %s", strerror(errno));
		return;
	}
	fputs("Checking the NAT. This takes a few seconds, and up to a minute if strangers are kept out.\n", stderr);
	c->check = checknat_start(c->base, config, bind, on_done, c);
	if (c->check != NULL)
		event_base_dispatch(c->base);
}

int
checknat_command(const struct config *config, const struct addr *bind, bool json)
{
	static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
	struct command c = {.base = event_base_new(), .json = json, .status = CHECKNAT_UNKNOWN};
	struct event *signals[3];
	int i;

	log_set_sink(on_log_line);
	if (c.base == NULL)
		fatal("cannot make an event loop");
	for (i = 0; i < 3; i++) {
		signals[i] = evsignal_new(c.base, numbers[i], on_signal, &c);
		if (signals[i] == NULL || event_add(signals[i], NULL) < 0)
			fatal("cannot watch signals");
	}
	run(&c, config, bind);
	checknat_free(c.check);
	peers_stop();
	resolve_close();
	spawn_close();
	for (i = 0; i < 3; i++)
		event_free(signals[i]);
	event_base_free(c.base);
	return c.status;
}
