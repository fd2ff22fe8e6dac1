/* SPDX-License-Identifier: ISC */
/*
 * Mappings as natterctl gets them; see natterctl_mapping.h.
 */
#include "natterctl_mapping.h"

#include <stdbool.h>
#include <string.h>

#include "terminal.h"

const char *
natterctl_mapping_text(struct json_object *mapping, const char *name)
{
	struct json_object *value;
	const char *text;

	if (!json_object_object_get_ex(mapping, name, &value))
		return "";
	text = json_object_get_string(value);
	return text != NULL ? text : "";
}

uint64_t
natterctl_mapping_number(struct json_object *mapping, const char *name)
{
	struct json_object *value;

	return json_object_object_get_ex(mapping, name, &value) ? json_object_get_uint64(value) : 0;
}

const char *
natterctl_mapping_note(struct json_object *mapping)
{
	bool is_open = strcmp(natterctl_mapping_text(mapping, "state"), "open") == 0;

	return natterctl_mapping_text(mapping, is_open ? "advice" : "error");
}

const char *
natterctl_mapping_colour(const char *name, const char *value)
{
	static const struct {
		const char *name, *value, *colour;
	} colours[] = {
	    {"state", "open", TERMINAL_GOOD},
	    {"state", "degraded", TERMINAL_DOUBT},
	    {"state", "restarting", TERMINAL_DOUBT},
	    {"state", "backoff", TERMINAL_BAD},
	    {"reach", "unreachable", TERMINAL_BAD},
	};
	size_t i;

	for (i = 0; i < sizeof(colours) / sizeof(colours[0]); i++)
		if (strcmp(colours[i].name, name) == 0 && strcmp(colours[i].value, value) == 0)
			return colours[i].colour;
	return TERMINAL_PLAIN;
}
