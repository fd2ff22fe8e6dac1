/* SPDX-License-Identifier: ISC */
/*
 * What natterd's status file says of one mapping, for programs that are outside
 * clients.  Each is one file with its own main, so this is a header.
 */
#ifndef STATUS_H
#define STATUS_H

#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "addr.h"

struct status {
	char outer[ADDR_TEXT_SIZE]; /* "": none */
	char state[32];
};

static inline const char *
status_field(struct json_object *mapping, const char *field)
{
	struct json_object *value;

	return json_object_object_get_ex(mapping, field, &value) ? json_object_get_string(value) : "";
}

static inline struct json_object *
status_find(struct json_object *status, const char *name)
{
	struct json_object *mappings, *mapping;
	size_t i;

	if (!json_object_object_get_ex(status, "mappings", &mappings))
		return NULL;
	for (i = 0; i < json_object_array_length(mappings); i++) {
		mapping = json_object_array_get_idx(mappings, i);
		if (strcmp(status_field(mapping, "name"), name) == 0)
			return mapping;
	}
	return NULL;
}

/* A file that is not there publishes nothing, and its state is "none". */
static inline struct status
status_read(const char *path, const char *name)
{
	struct json_object *status = json_object_from_file(path);
	struct json_object *mapping = status != NULL ? status_find(status, name) : NULL;
	struct status result;

	snprintf(result.outer, sizeof(result.outer), "%s", mapping != NULL ? status_field(mapping, "outer") : "");
	snprintf(result.state, sizeof(result.state), "%s", mapping != NULL ? status_field(mapping, "state") : "none");
	json_object_put(status);
	return result;
}

#endif
