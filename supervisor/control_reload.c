/* SPDX-License-Identifier: ISC */
/*
 * A reload as JSON; see control.h.
 */
#include "control_reload.h"

#include <stdio.h>

#include "alloc_json.h"
#include "control_commands.h"
#include "reload.h"

static struct json_object *
list_of(const char *const *texts, size_t count)
{
	struct json_object *list = alloc_json(json_object_new_array());
	size_t i;

	for (i = 0; i < count; i++)
		json_object_array_add(list, json_object_new_string(texts[i]));
	return list;
}

static void
add_count(struct json_object *object, const char *name, unsigned int count)
{
	json_object_object_add(object, name, json_object_new_int64(count));
}

static struct json_object *
describe(const struct reload_result *r)
{
	struct json_object *done = alloc_json(json_object_new_object());
	char text[RELOAD_TEXT_SIZE];

	add_count(done, "kept", r->counts.kept);
	add_count(done, "changed", r->counts.changed);
	add_count(done, "replaced", r->counts.replaced);
	add_count(done, "added", r->counts.added);
	add_count(done, "removed", r->counts.removed);
	json_object_object_add(done, "needs_restart", list_of(r->needs_restart, r->needs_restart_count));
	json_object_object_add(done, "text", json_object_new_string(reload_text(r, text)));
	return done;
}

void
control_reload(struct json_object *answer)
{
	struct reload_result r;

	reload_now(&r);
	if (r.done) {
		json_object_object_add(answer, "reload", describe(&r));
	} else {
		control_commands_refuse(answer, "natter.cfg is refused and nothing has changed");
		json_object_object_add(answer, "mistakes", list_of((const char *const *)r.mistakes, r.mistake_count));
	}
	reload_result_free(&r);
}
