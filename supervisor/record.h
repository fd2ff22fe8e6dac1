/* SPDX-License-Identifier: ISC */
/*
 * The one field table: every fact about a mapping that natterd shows has a name
 * and a value here, and the status file, natterctl and the hooks take it from
 * here.  A field added to the table appears in all of them.
 */
#ifndef RECORD_H
#define RECORD_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>

#include "service.h"

enum record_kind {
	RECORD_NUMBER,
	RECORD_COUNTS, /* several numbers, each with a name; as one it is their sum */
	RECORD_WORD, /* a name or an address: nothing that a shell would take apart, but for IPv6's brackets */
	RECORD_TEXT, /* a sentence */
};

/* The longest value with its NUL. */
#define RECORD_VALUE_SIZE REPORT_ERROR_SIZE

/* How Prometheus is told of a field (metrics.h): as natter_mapping_<name>, a counter if that
 * ends in _total and a gauge otherwise. */
struct record_metric {
	const char *name; /* NULL: it is not */
	const char *help;
	const char *label;    /* of a field with choices: there is a sample for each, under this label */
	unsigned int divisor; /* of the value, so that it is in seconds or bytes; 0: it is */
	bool may_be_unknown;  /* and is 0 then: there is no sample */
};

struct record_field {
	const char *name;
	enum record_kind kind;
	void (*text)(const struct service *service, char value[RECORD_VALUE_SIZE]); /* a word or a text */
	uint64_t (*number)(const struct service *service);
	/* What a word may be, or the names of counts: the i-th, or NULL after the last. */
	const char *(*choice)(unsigned int i);
	uint64_t (*count)(const struct service *service, unsigned int i); /* of the i-th choice */
	struct record_metric metric;
};

/* The table; it ends with a field whose name is NULL. */
extern const struct record_field record_fields[];

/* Finds a field by name; NULL if there is none. */
const struct record_field *record_find(const char *name);

/* The value as text: "" for a word or text that is absent, a number in decimal
 * (0 if absent), of counts the sum.  Returns value. */
const char *record_value(const struct record_field *field, const struct service *service,
    char value[RECORD_VALUE_SIZE]);

/* Every field as a member of a new object, numbers as numbers, counts as an object of them. */
struct json_object *record_to_json(const struct service *service);

/* A new environment for a program: our own and NATTER_<FIELD> for every field,
 * in capitals.  Our own variables of these names are left out. */
char **record_environment(const struct service *service);
void record_environment_free(char **environment);

#endif
