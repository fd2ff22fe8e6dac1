/* SPDX-License-Identifier: ISC */
/*
 * natterctl's output for people and for programs.  Nothing but printable ASCII
 * gets out, whatever the answer contains.
 */
#ifndef NATTERCTL_PRINT_H
#define NATTERCTL_PRINT_H

#include <json-c/json.h>

/* A line of text. */
void natterctl_print_text(const char *text);
/* Any JSON, one member a line. */
void natterctl_print_json(struct json_object *value);
/* The same in one line. */
void natterctl_print_json_line(struct json_object *value);
/* An array of mappings, at least one, as a table that fits the terminal. */
void natterctl_print_list(struct json_object *list);
/* What to do if there is none; from the answer to "version". */
void natterctl_print_first_steps(struct json_object *version);
/* The names of an array of mappings, a line each. */
void natterctl_print_names(struct json_object *list);
/* One mapping, a "name: value" line for each of its members. */
void natterctl_print_mapping(struct json_object *mapping);

#endif
