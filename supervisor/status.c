/* SPDX-License-Identifier: ISC */
/*
 * The table of mappings as a file; see status.h.
 */
#include "status.h"

#include <bsd/string.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "alloc_json.h"
#include "files.h"
#include "log.h"
#include "record.h"
#include "service.h"

#define JSON_STYLE (JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED | JSON_C_TO_STRING_NOSLASHESCAPE)

static const struct timeval coalesce_time = {.tv_usec = 20000};
/* From a write that failed to the next try. */
static const struct timeval retry_time = {.tv_sec = 5};

static struct {
	char path[PATH_MAX]; /* "": no status file */
	struct event *timer;
	struct event *retry;
	bool failing; /* the last write failed, and the log has it */
} status;

static void
on_timer(evutil_socket_t fd, short what, void *context)
{
	(void)fd, (void)what, (void)context;
	status_write_now();
}

void
status_set_file(struct event_base *base, const char *path)
{
	if (status.timer != NULL) {
		event_free(status.timer);
		event_free(status.retry);
	}
	status.timer = path != NULL ? evtimer_new(base, on_timer, NULL) : NULL;
	status.retry = path != NULL ? evtimer_new(base, on_timer, NULL) : NULL;
	if (path != NULL && (status.timer == NULL || status.retry == NULL))
		fatal("natterd: out of memory");
	/* A path that is too long is cut, and writing it then fails with its name. */
	strlcpy(status.path, path != NULL ? path : "", sizeof(status.path));
	status.failing = false;
	if (path != NULL)
		files_remove_leftovers(status.path);
}

void
status_write_soon(void)
{
	/* A pending write is not put off: a stream of changes must not starve it. */
	if (status.timer != NULL && !evtimer_pending(status.timer, NULL))
		evtimer_add(status.timer, &coalesce_time);
}

/* v0.9's list of a protocol. */
static struct json_object *
list_open(enum protocol protocol)
{
	static const char *const names[] = {"inner", "outer"};
	struct json_object *list = alloc_json(json_object_new_array()), *entry;
	char value[RECORD_VALUE_SIZE];
	struct service *s;
	size_t i;

	TAILQ_FOREACH (s, services_all(), entry) {
		if (s->mapping.protocol != (uint32_t)protocol || !addr_is_set(&s->report.outer))
			continue;
		entry = alloc_json(json_object_new_object());
		for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
			json_object_object_add(entry, names[i],
			    json_object_new_string(record_value(record_find(names[i]), s, value)));
		json_object_array_add(list, entry);
	}
	return list;
}

static struct json_object *
list_all(void)
{
	struct json_object *list = alloc_json(json_object_new_array());
	struct service *s;

	TAILQ_FOREACH (s, services_all(), entry)
		json_object_array_add(list, record_to_json(s));
	return list;
}

static struct json_object *
list_stopped(void)
{
	struct json_object *list = alloc_json(json_object_new_array());
	struct service *s, stopped;

	TAILQ_FOREACH (s, services_all(), entry) {
		stopped = *s;
		stopped.peer.pid = 0;
		stopped.state_since = time(NULL);
		if (addr_is_set(&s->report.outer)) {
			stopped.event = OUTER_DOWN;
			stopped.old_outer = s->report.outer;
		}
		memset(&stopped.report, 0, sizeof(stopped.report));
		stopped.report.state = STATE_STOPPED;
		json_object_array_add(list, record_to_json(&stopped));
	}
	return list;
}

/* What is in the file must not stay old after the disk was full, also if nothing changes any more. */
static void
note_result(int result)
{
	if (result < 0 && !status.failing)
		log_error("natterd: the status file %s cannot be written: %s; trying again every %d s", status.path,
		    files_why(errno), (int)retry_time.tv_sec);
	else if (result == 0 && status.failing)
		log_info("natterd: the status file %s is written again", status.path);
	status.failing = result < 0;
	if (status.failing)
		evtimer_add(status.retry, &retry_time);
	else
		evtimer_del(status.retry);
}

/* The library leaves out what it has no memory for: only errno tells, which was 0 before it began. */
static int
write_json(struct json_object *all)
{
	const char *json = json_object_to_json_string_ext(all, JSON_STYLE);
	char *text = NULL;
	int length = json == NULL || errno == ENOMEM ? -1 : asprintf(&text, "%s\n", json), result;

	if (length < 0) {
		errno = ENOMEM;
		return -1;
	}
	result = files_write_atomically(status.path, text, (size_t)length, 0644);
	free(text);
	return result;
}

/* Takes over the three lists. */
static void
write_file(struct json_object *tcp, struct json_object *udp, struct json_object *mappings)
{
	struct json_object *all = alloc_json(json_object_new_object());

	json_object_object_add(all, "tcp", tcp);
	json_object_object_add(all, "udp", udp);
	json_object_object_add(all, "mappings", mappings);
	json_object_object_add(all, "pid", json_object_new_int64(getpid()));
	json_object_object_add(all, "updated", json_object_new_int64(time(NULL)));
	json_object_object_add(all, "version", json_object_new_string(NATTER_VERSION));
	note_result(write_json(all));
	json_object_put(all);
}

void
status_write_now(void)
{
	if (status.timer == NULL)
		return;
	evtimer_del(status.timer);
	errno = 0;
	write_file(list_open(PROTOCOL_TCP), list_open(PROTOCOL_UDP), list_all());
}

void
status_write_stopped(void)
{
	if (status.timer == NULL)
		return;
	evtimer_del(status.timer);
	errno = 0;
	write_file(alloc_json(json_object_new_array()), alloc_json(json_object_new_array()), list_stopped());
}
