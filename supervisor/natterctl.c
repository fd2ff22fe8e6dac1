/* SPDX-License-Identifier: ISC */
/*
 * The commands of natterctl, the operator's client of the control socket; see
 * natterctl.h.
 */
#include "natterctl.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "checknat_print.h"
#include "natterctl_ask.h"
#include "natterctl_command.h"
#include "natterctl_import.h"
#include "natterctl_print.h"
#include "natterctl_watch.h"
#include "table.h"

/* A check ends within a minute. */
#define CHECK_PATIENCE 90

static struct natterctl_options options;

/* What is asked and what becomes of the answer. */
struct question {
	const char *command;
	const char *wanted; /* the member of the answer that matters */
	enum json_type type;
	unsigned int seconds;
	void (*print)(struct json_object *);
	int (*status)(struct json_object *); /* what the answer means; NULL: that there is one is all */
};

static int
ask_about(const struct question *q, const char *key, const char *argument)
{
	struct json_object *answer, *value = NULL;
	int result = natterctl_ask(options.socket, q->command, key, argument, q->seconds, &answer);

	/* 1 is a check's word for another NAT. */
	if (result == NATTERCTL_REFUSED && q->status != NULL)
		return CHECKNAT_UNKNOWN;
	if (result != NATTERCTL_OK)
		return result;
	json_object_object_get_ex(answer, q->wanted, &value);
	if (!json_object_is_type(value, q->type)) {
		result = natterctl_fail(options.socket, EPROTO);
	} else {
		(options.json ? natterctl_print_json : q->print)(value);
		result = q->status != NULL ? q->status(value) : NATTERCTL_OK;
	}
	json_object_put(answer);
	return result;
}

/* Of an empty list the reader learns what to do, for which natterd is asked where its configuration is. */
static void
print_list(struct json_object *list)
{
	struct json_object *answer;

	if (json_object_array_length(list) > 0) {
		natterctl_print_list(list);
	} else if (natterctl_ask(options.socket, "version", "name", NULL, NATTERCTL_PATIENCE, &answer) == NATTERCTL_OK) {
		natterctl_print_first_steps(answer);
		json_object_put(answer);
	}
}

/* Of all mappings, or of the one of that name. */
static int
ask_and_print(const struct question *q, const char *name)
{
	return ask_about(q, "name", name);
}

static int
run_list(const char *argument)
{
	static const struct question q = {"list", "mappings", json_type_array, NATTERCTL_PATIENCE, print_list, NULL};

	return ask_and_print(&q, argument);
}

/* --json changes nothing: natterctl --json list has them, too. */
static int
run_names(const char *argument)
{
	static const struct question q = {"list", "mappings", json_type_array, NATTERCTL_PATIENCE, natterctl_print_names, NULL};

	options.json = false;
	return ask_and_print(&q, argument);
}

static int
run_show(const char *argument)
{
	static const struct question q = {
	    "show", "mapping", json_type_object, NATTERCTL_PATIENCE, natterctl_print_mapping, NULL};

	return ask_and_print(&q, argument);
}

static int
run_watch(const char *argument)
{
	return natterctl_watch(options.socket, argument, options.json);
}

static int
run_check_nat(const char *argument)
{
	static const struct question q = {"check-nat", "check", json_type_object, CHECK_PATIENCE, checknat_print,
	    checknat_status};

	fputs("natterd checks the NAT; this takes a few seconds, and up to a minute if strangers are kept out.\n", stderr);
	return ask_and_print(&q, argument);
}

static void
print_refreshed(struct json_object *refreshed)
{
	int64_t n = json_object_get_int64(refreshed);

	printf("%" PRId64 " mapping%s again\n", n, n == 1 ? " looks" : "s look");
}

static int
run_refresh(const char *argument)
{
	static const struct question q = {
	    "refresh", "refreshed", json_type_int, NATTERCTL_PATIENCE, print_refreshed, NULL};

	return ask_and_print(&q, argument);
}

static void
print_metrics(struct json_object *text)
{
	table_put_text(stdout, json_object_get_string(text), 1);
}

static int
run_metrics(const char *argument)
{
	static const struct question q = {"metrics", "metrics", json_type_string, NATTERCTL_PATIENCE, print_metrics, NULL};

	if (options.json) {
		fputs("natterctl: metrics have a format of their own; natterctl --json list has the same as JSON\n", stderr);
		return NATTERCTL_USAGE;
	}
	return ask_and_print(&q, argument);
}

static void
print_reload(struct json_object *done)
{
	struct json_object *text;

	if (json_object_object_get_ex(done, "text", &text))
		natterctl_print_text(json_object_get_string(text));
}

static int
run_reload(const char *argument)
{
	static const struct question q = {
	    "reload", "reload", json_type_object, NATTERCTL_PATIENCE, print_reload, NULL};

	return ask_and_print(&q, argument);
}

static void
print_restarted(struct json_object *changed)
{
	(void)changed;
	puts("another worker takes over");
}

static int
run_restart(const char *argument)
{
	static const struct question q = {
	    "restart", "changed", json_type_boolean, NATTERCTL_PATIENCE, print_restarted, NULL};

	return ask_and_print(&q, argument);
}

static void
print_stopped(struct json_object *changed)
{
	puts(json_object_get_boolean(changed) ? "stopped" : "it was stopped already");
}

static int
run_stop(const char *argument)
{
	static const struct question q = {"stop", "changed", json_type_boolean, NATTERCTL_PATIENCE, print_stopped, NULL};

	return ask_and_print(&q, argument);
}

static void
print_started(struct json_object *changed)
{
	puts(json_object_get_boolean(changed) ? "it starts" : "it was not stopped");
}

static int
run_start(const char *argument)
{
	static const struct question q = {"start", "changed", json_type_boolean, NATTERCTL_PATIENCE, print_started, NULL};

	return ask_and_print(&q, argument);
}

static void
print_level(struct json_object *level)
{
	natterctl_print_text(json_object_get_string(level));
}

static int
run_log(const char *argument)
{
	static const struct question get = {"log-level", "level", json_type_string, NATTERCTL_PATIENCE, print_level, NULL};
	static const struct question set = {"log", "level", json_type_string, NATTERCTL_PATIENCE, print_level, NULL};

	return ask_about(argument == NULL ? &get : &set, "level", argument);
}

/* Both as one object. */
static int
print_versions_as_json(void)
{
	struct json_object *answer, *versions;
	int result = natterctl_ask(options.socket, "version", NULL, NULL, NATTERCTL_PATIENCE, &answer);

	if (result != NATTERCTL_OK)
		return result;
	versions = json_object_new_object();
	json_object_object_add(versions, "natterctl", json_object_new_string(NATTER_VERSION));
	json_object_object_add(versions, "natterd", json_object_get(json_object_object_get(answer, "version")));
	json_object_object_add(versions, "pid", json_object_get(json_object_object_get(answer, "pid")));
	natterctl_print_json(versions);
	json_object_put(versions);
	json_object_put(answer);
	return result;
}

static void
print_version(struct json_object *version)
{
	fputs("natterd ", stdout);
	natterctl_print_text(json_object_get_string(version));
}

static int
run_version(const char *argument)
{
	static const struct question q = {"version", "version", json_type_string, NATTERCTL_PATIENCE, print_version, NULL};

	if (options.json)
		return print_versions_as_json();
	printf("natterctl %s\n", NATTER_VERSION);
	fflush(stdout);
	return ask_and_print(&q, argument);
}

static int run_help(const char *argument);

static const struct natterctl_command commands[] = {
    {"list", NULL, "every mapping, a line each", run_list},
    {"names", NULL, "every mapping's name, a line each, for scripts", run_names},
    {"show", "NAME", "everything about one mapping", run_show},
    {"watch", "[NAME]", "what happens to the mappings, or to one, as it happens", run_watch},
    {"refresh", "[NAME]", "look again at once, all mappings or one", run_refresh},
    {"restart", "NAME", "another worker in its place; the mapping's connections end", run_restart},
    {"stop", "NAME", "let the mapping's port and address go, until start", run_stop},
    {"start", "NAME", "start a mapping that was stopped", run_start},
    {"reload", NULL, "have natter.cfg read again; what stays the same goes on", run_reload},
    {"log", "[LEVEL]", "log at error, warning, info or debug; without, print it", run_log},
    {"check-nat", NULL, "what kind of NAT is in the way; can natter work here?", run_check_nat},
    {"import", "FILE", "a configuration of v0.9 as a natter.cfg; -: standard input", natterctl_import},
    {"metrics", NULL, "the numbers of all mappings as text for Prometheus", run_metrics},
    {"version", NULL, "the versions of natterctl and of the natterd that runs", run_version},
    {"help", NULL, "this text", run_help},
    {NULL, NULL, NULL, NULL},
};

void
natterctl_print_usage(FILE *out)
{
	fputs("usage: natterctl [-s SOCKET] [--json] COMMAND\n\n", out);
	natterctl_command_list(commands, out);
	fputs("\n"
	      "  -s, --socket SOCKET   where natterd listens for commands\n"
	      "      --json            print the answer as JSON\n"
	      "  -h, --help            print this text\n"
	      "  -V, --version         print natterctl's version\n"
	      "\nThe beginning of a command's name is enough.  See natterctl(8).\n",
	    out);
}

static int
run_help(const char *argument)
{
	(void)argument;
	natterctl_print_usage(stdout);
	return NATTERCTL_OK;
}

int
natterctl_run(const struct natterctl_options *given, int count, char *const words[])
{
	const struct natterctl_command *command;

	options = *given;
	if (count == 0) {
		natterctl_print_usage(stderr);
		return NATTERCTL_USAGE;
	}
	command = natterctl_command_find(commands, words[0]);
	if (command == NULL || !natterctl_command_takes(command, count - 1))
		return NATTERCTL_USAGE;
	return command->run(words[1]);
}
