/* SPDX-License-Identifier: ISC */
/*
 * The commands of the control socket; see control_commands.h.
 */
#include "control_commands.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "alloc_json.h"
#include "checknat.h"
#include "checknat_verdict.h"
#include "control_reload.h"
#include "log.h"
#include "metrics.h"
#include "record.h"
#include "resolve.h"
#include "service.h"
#include "text.h"

static struct {
	struct event_base *base; /* NULL: no checks are possible */
	const struct config *config;
	control_checked *checked;
	struct checknat *check; /* the one that runs */
} checks;

enum permission {
	PERMISSION_READ,   /* everybody who may connect: the socket's mode decides */
	PERMISSION_CHANGE, /* root and natterd's own user */
};

struct command {
	const char *name;
	bool (*answer)(struct json_object *request, struct json_object *answer); /* false: later */
	enum permission permission;
};

void
control_commands_refuse(struct json_object *answer, const char *error)
{
	json_object_object_add(answer, "ok", json_object_new_boolean(0));
	json_object_object_add(answer, "error", json_object_new_string(error));
}

static bool
answer_list(struct json_object *request, struct json_object *answer)
{
	struct json_object *list = alloc_json(json_object_new_array());
	struct service *s;

	(void)request;
	TAILQ_FOREACH (s, services_all(), entry)
		json_object_array_add(list, record_to_json(s));
	json_object_object_add(answer, "mappings", list);
	return true;
}

/* A text, of which json-c shows all: one with a NUL in it is none.  NULL for anything else. */
static const char *
text_of(struct json_object *value)
{
	const char *text = json_object_is_type(value, json_type_string) ? json_object_get_string(value) : NULL;

	return text != NULL && strlen(text) == (size_t)json_object_get_string_len(value) ? text : NULL;
}

/* The mapping that the member "name" of a request names; else the answer says what is wrong. */
static struct service *
find_named(struct json_object *name, struct json_object *answer)
{
	const char *text = text_of(name);
	struct service *s;

	if (text == NULL) {
		control_commands_refuse(answer, "the request has no \"name\"");
		return NULL;
	}
	s = service_find(text);
	if (s == NULL)
		control_commands_refuse(answer, "there is no mapping of that name");
	return s;
}

static bool
answer_show(struct json_object *request, struct json_object *answer)
{
	const struct service *s = find_named(json_object_object_get(request, "name"), answer);

	if (s != NULL)
		json_object_object_add(answer, "mapping", record_to_json(s));
	return true;
}

static unsigned int
refresh_all(void)
{
	struct service *s;
	unsigned int n = 0;

	resolve_again();
	TAILQ_FOREACH (s, services_all(), entry) {
		if (service_is_stopped(s))
			continue;
		service_refresh(s);
		n++;
	}
	return n;
}

static bool
answer_refresh(struct json_object *request, struct json_object *answer)
{
	struct json_object *name;
	unsigned int refreshed = 1;
	struct service *s;

	if (!json_object_object_get_ex(request, "name", &name)) {
		refreshed = refresh_all();
	} else {
		s = find_named(name, answer);
		if (s == NULL)
			return true;
		if (service_is_stopped(s)) {
			control_commands_refuse(answer, "the mapping is stopped; natterctl start starts it");
			return true;
		}
		service_refresh(s);
	}
	json_object_object_add(answer, "refreshed", json_object_new_int64(refreshed));
	return true;
}

static bool
answer_order(struct json_object *request, struct json_object *answer, bool (*order)(struct service *))
{
	struct service *s = find_named(json_object_object_get(request, "name"), answer);

	if (s != NULL)
		json_object_object_add(answer, "changed", json_object_new_boolean(order(s)));
	return true;
}

static bool
answer_stop(struct json_object *request, struct json_object *answer)
{
	return answer_order(request, answer, service_stop);
}

static bool
answer_start(struct json_object *request, struct json_object *answer)
{
	return answer_order(request, answer, service_start);
}

static bool
answer_restart(struct json_object *request, struct json_object *answer)
{
	return answer_order(request, answer, service_restart);
}

static bool
answer_log_level(struct json_object *request, struct json_object *answer)
{
	(void)request;
	json_object_object_add(answer, "level", json_object_new_string(log_level_name(log_get_level())));
	return true;
}

static bool
answer_log(struct json_object *request, struct json_object *answer)
{
	const char *name = text_of(json_object_object_get(request, "level"));
	int level = name != NULL ? log_level_find(name) : -1;

	if (level < 0) {
		control_commands_refuse(answer, "there is no such level; take error, warning, info or debug");
		return true;
	}
	services_set_log_level((enum log_level)level);
	log_info("natterd: logs at the level %s from now on, as natterctl asks", log_level_name((enum log_level)level));
	return answer_log_level(request, answer);
}

static bool
answer_version(struct json_object *request, struct json_object *answer)
{
	char file[PATH_MAX] = "";

	(void)request;
	if (checks.config != NULL)
		text_copy_printable(file, sizeof(file), checks.config->file, strlen(checks.config->file));
	json_object_object_add(answer, "version", json_object_new_string(NATTER_VERSION));
	json_object_object_add(answer, "pid", json_object_new_int64(getpid()));
	json_object_object_add(answer, "file", json_object_new_string(file));
	return true;
}

static bool
answer_metrics(struct json_object *request, struct json_object *answer)
{
	char *text = metrics_text();

	(void)request;
	json_object_object_add(answer, "metrics", json_object_new_string(text));
	free(text);
	return true;
}

static const char *
word_of(struct json_object *verdict, const char *protocol)
{
	struct json_object *part, *type;

	if (json_object_object_get_ex(verdict, protocol, &part) && json_object_object_get_ex(part, "type", &type))
		return json_object_get_string(type);
	return "unknown";
}

static void
on_checked(void *context, const struct checknat_result *result)
{
	struct json_object *answer = alloc_json(json_object_new_object()), *verdict = checknat_verdict(result);

	(void)context;
	log_info("natterd: the NAT check found UDP: %s, TCP: %s", word_of(verdict, "udp"), word_of(verdict, "tcp"));
	json_object_object_add(answer, "ok", json_object_new_boolean(1));
	json_object_object_add(answer, "check", verdict);
	checknat_free(checks.check);
	checks.check = NULL;
	checks.checked(answer);
	json_object_put(answer);
}

/* Whoever asks while a check runs gets the result of that one. */
static bool
answer_check(struct json_object *request, struct json_object *answer)
{
	struct addr any;

	(void)request;
	if (checks.check == NULL)
		log_info("natterd: checks the NAT, as natterctl asks");
	addr_parse("0.0.0.0", 0, &any);
	if (checks.check == NULL && checks.base != NULL)
		checks.check = checknat_start(checks.base, checks.config, &any, on_checked, NULL);
	if (checks.check != NULL)
		return false;
	control_commands_refuse(answer, "the check could not begin; natterd's log says why");
	return true;
}

/* Of a mapping that there is, or of all. */
static bool
answer_watch(struct json_object *request, struct json_object *answer)
{
	struct json_object *name;

	if (json_object_object_get_ex(request, "name", &name) && find_named(name, answer) == NULL)
		return true;
	return false;
}

static bool
answer_reload(struct json_object *request, struct json_object *answer)
{
	(void)request;
	control_reload(answer);
	return true;
}

static const struct command commands[] = {
    {"list", answer_list, PERMISSION_READ},
    {"show", answer_show, PERMISSION_READ},
    {"refresh", answer_refresh, PERMISSION_CHANGE},
    {"restart", answer_restart, PERMISSION_CHANGE},
    {"stop", answer_stop, PERMISSION_CHANGE},
    {"start", answer_start, PERMISSION_CHANGE},
    {"log", answer_log, PERMISSION_CHANGE},
    {"log-level", answer_log_level, PERMISSION_READ},
    {"reload", answer_reload, PERMISSION_CHANGE},
    {"watch", answer_watch, PERMISSION_READ},
    {"metrics", answer_metrics, PERMISSION_READ},
    {"version", answer_version, PERMISSION_READ},
    {"check-nat", answer_check, PERMISSION_READ},
};

static bool
is_permitted(const struct command *command, uid_t uid)
{
	return command->permission == PERMISSION_READ || uid == 0 || uid == geteuid();
}

static void
refuse_permission(struct json_object *answer, const struct command *command)
{
	char own[64] = "", error[200];

	if (geteuid() != 0)
		snprintf(own, sizeof(own), " and natterd's own user (uid %ld)", (long)geteuid());
	snprintf(error, sizeof(error),
	    "permission denied: \"%s\" changes what natterd does, and only root%s may do that; try it with sudo",
	    command->name, own);
	control_commands_refuse(answer, error);
}

static const struct command *
find_command(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

enum control_next
control_commands_answer(struct json_object *request, const char *name, uid_t uid, struct json_object *answer)
{
	const struct command *command = find_command(name);

	if (command == NULL)
		control_commands_refuse(answer, "this natterd does not know that command");
	else if (!is_permitted(command, uid))
		refuse_permission(answer, command);
	else if (!command->answer(request, answer))
		return command->answer == answer_watch ? CONTROL_WATCHES : CONTROL_CHECKS;
	return CONTROL_ANSWERED;
}

void
control_commands_open(struct event_base *base, const struct config *config, control_checked *checked)
{
	checks.base = base;
	checks.config = config;
	checks.checked = checked;
}

bool
control_commands_use(const struct config *config)
{
	checks.config = config;
	return checks.check != NULL;
}

void
control_commands_close(void)
{
	checknat_free(checks.check);
	memset(&checks, 0, sizeof(checks));
}
