/* SPDX-License-Identifier: ISC */
/*
 * A file of JSON, read so that nothing in it is lost unseen: what json-c would
 * drop or change without a word is a mistake here, with file, line and column.
 */
#ifndef NATTERCTL_JSON_H
#define NATTERCTL_JSON_H

#include <json-c/json.h>

/* Reads FILE, or standard input if it is called "-".  Returns the object in it,
 * which the caller puts, or NULL after logging why not. */
struct json_object *natterctl_json_read(const char *file);

/* What to call FILE in messages. */
const char *natterctl_json_name(const char *file);

#endif
