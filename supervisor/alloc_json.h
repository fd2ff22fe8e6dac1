/* SPDX-License-Identifier: ISC */
/*
 * alloc.h for JSON: libjson-c asserts that what members are added to is there.
 */
#ifndef ALLOC_JSON_H
#define ALLOC_JSON_H

#include <json-c/json.h>

#include "log.h"

/* made, which has just been made, never NULL: without memory the program ends with an error. */
static inline struct json_object *
alloc_json(struct json_object *made)
{
	if (made == NULL)
		fatal("out of memory");
	return made;
}

/* object as text without white space; it belongs to object. */
static inline const char *
alloc_json_text(struct json_object *object)
{
	const char *text = json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN);

	if (text == NULL)
		fatal("out of memory");
	return text;
}

#endif
