/* SPDX-License-Identifier: ISC */
/*
 * A mapping in natterd's answers, an object with the fields of record.h: what is read from
 * it, and what of it stands out.
 */
#ifndef NATTERCTL_MAPPING_H
#define NATTERCTL_MAPPING_H

#include <json-c/json.h>
#include <stdint.h>

/* A member of any object as text, which lives as long as the object; "" or 0 if there is none. */
const char *natterctl_mapping_text(struct json_object *mapping, const char *name);
uint64_t natterctl_mapping_number(struct json_object *mapping, const char *name);

/* What its owner should know: the advice if it is open, else the error; "" if there is none. */
const char *natterctl_mapping_note(struct json_object *mapping);

/* The colour (terminal.h) of a value of the field name: "state" and "reach" have some. */
const char *natterctl_mapping_colour(const char *name, const char *value);

#endif
