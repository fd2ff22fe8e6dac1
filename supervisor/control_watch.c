/* SPDX-License-Identifier: ISC */
/*
 * News for clients that watch; see control_watch.h.
 */
#include "control_watch.h"

#include <bsd/string.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <time.h>

#include "alloc.h"
#include "alloc_json.h"
#include "record.h"
#include "service.h"

/* A mapping as the client knows it. */
struct told {
	LIST_ENTRY(told) entry;
	char name[MAPPING_NAME_SIZE];
	char state[RECORD_VALUE_SIZE]; /* as it is shown */
	struct report report;
	bool is_there; /* in the table, as far as that was looked through */
};

struct control_watch {
	char name[MAPPING_NAME_SIZE]; /* "": all */
	bool begun;                   /* told once */
	LIST_HEAD(, told) told;
};

struct control_watch *
control_watch_new(const char *name)
{
	struct control_watch *w = alloc_zero(sizeof(*w));

	strlcpy(w->name, name != NULL ? name : "", sizeof(w->name));
	LIST_INIT(&w->told);
	return w;
}

static void
forget(struct told *t)
{
	LIST_REMOVE(t, entry);
	free(t);
}

void
control_watch_free(struct control_watch *w)
{
	struct told *t;

	if (w == NULL)
		return;
	while ((t = LIST_FIRST(&w->told)) != NULL)
		forget(t); /* NOLINT(clang-analyzer-unix.Malloc): it takes itself off the list */
	free(w);
}

static struct told *
find_told(const struct control_watch *w, const char *name)
{
	struct told *t;

	LIST_FOREACH (t, &w->told, entry)
		if (strcmp(t->name, name) == 0)
			return t;
	return NULL;
}

/* Takes over the mapping. */
static void
add_line(struct evbuffer *out, const char *event, struct json_object *mapping)
{
	struct json_object *line = alloc_json(json_object_new_object());

	json_object_object_add(line, "time", json_object_new_int64(time(NULL)));
	json_object_object_add(line, "event", json_object_new_string(event));
	json_object_object_add(line, "mapping", mapping);
	evbuffer_add_printf(out, "%s\n", alloc_json_text(line));
	json_object_put(line);
}

/* What happened to a mapping that was as t and is as s, in the state of that name; NULL:
 * nothing that is told. */
static const char *
what_happened(const struct told *t, const struct service *s, const char *state)
{
	enum outer_event event = outer_event_between(&t->report.outer, &s->report.outer);

	if (event != OUTER_SAME)
		return outer_event_name(event);
	if (strcmp(state, t->state) != 0)
		return "state";
	if (s->report.reach != t->report.reach)
		return "reach";
	if (strcmp(s->report.error, t->report.error) != 0)
		return "error";
	return strcmp(s->report.advice, t->report.advice) != 0 ? "advice" : NULL;
}

/* The mapping with an event of its address that leads from what was told before. */
static struct json_object *
record_since(const struct told *t, const struct service *s)
{
	struct service view = *s;
	enum outer_event event = outer_event_between(&t->report.outer, &s->report.outer);

	if (event != OUTER_SAME)
		view.event = event;
	if (event == OUTER_CHANGE || event == OUTER_DOWN)
		view.old_outer = t->report.outer;
	return record_to_json(&view);
}

static struct told *
tell_new(struct control_watch *w, struct evbuffer *out, const struct service *s)
{
	struct told *t = alloc_zero(sizeof(*t));

	strlcpy(t->name, s->mapping.name, sizeof(t->name));
	LIST_INSERT_HEAD(&w->told, t, entry);
	add_line(out, w->begun ? "new" : "present", record_to_json(s));
	return t;
}

static void
tell_of(struct control_watch *w, struct evbuffer *out, const struct service *s)
{
	struct told *t = find_told(w, s->mapping.name);
	char state[RECORD_VALUE_SIZE];
	const char *event;

	record_value(record_find("state"), s, state);
	if (t == NULL) {
		t = tell_new(w, out, s);
	} else {
		event = what_happened(t, s, state);
		if (event != NULL)
			add_line(out, event, record_since(t, s));
	}
	strlcpy(t->state, state, sizeof(t->state));
	t->report = s->report;
	t->is_there = true;
}

/* Those that the table had and has no more. */
static void
tell_gone(struct control_watch *w, struct evbuffer *out)
{
	struct json_object *mapping;
	struct told *t, *next;

	for (t = LIST_FIRST(&w->told); t != NULL; t = next) {
		next = LIST_NEXT(t, entry);
		if (t->is_there)
			continue;
		mapping = alloc_json(json_object_new_object());
		json_object_object_add(mapping, "name", json_object_new_string(t->name));
		add_line(out, "gone", mapping);
		forget(t);
	}
}

void
control_watch_tell(struct control_watch *w, struct evbuffer *out)
{
	struct service *s;
	struct told *t;

	LIST_FOREACH (t, &w->told, entry)
		t->is_there = false;
	TAILQ_FOREACH (s, services_all(), entry)
		if (w->name[0] == '\0' || strcmp(w->name, s->mapping.name) == 0)
			tell_of(w, out, s);
	tell_gone(w, out);
	w->begun = true;
}
