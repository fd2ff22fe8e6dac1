/* SPDX-License-Identifier: ISC */
/*
 * The import of one v0.9 configuration, and its values as values of our own.
 * Each function that can fail logs the mistake with file and key, and counts it.
 * A path is the keys from the outermost group on: "open_port.tcp".
 */
#ifndef NATTERCTL_IMPORT_VALUE_H
#define NATTERCTL_IMPORT_VALUE_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/queue.h>

#include "mapping.h"

/* A mapping that the output asks for. */
struct natterctl_import_mapping {
	STAILQ_ENTRY(natterctl_import_mapping) entry;
	struct mapping mapping;
	const char *text; /* its address as v0.9's file has it */
	bool is_renamed;  /* belongs into the list "mappings" */
};

STAILQ_HEAD(natterctl_import_mappings, natterctl_import_mapping);

struct natterctl_import {
	const char *name; /* of the file, for messages */
	FILE *out;        /* natter.cfg; after a mistake it may lack things */
	unsigned int mistakes;
	struct natterctl_import_mappings mappings;
};

typedef void natterctl_import_writer(struct natterctl_import *im, const char *path, struct json_object *value);

/* The keys that v0.9 had in a group, up to one without a name. */
struct natterctl_import_key {
	const char *name;
	natterctl_import_writer *write;
};

void natterctl_import_mistake(struct natterctl_import *im, const char *path, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The last key of a path, and the number of groups around it. */
const char *natterctl_import_key(const char *path);
int natterctl_import_depth(const char *path);

/* The text, which belongs to the value, or NULL: a mistake. */
const char *natterctl_import_text(struct natterctl_import *im, const char *path, struct json_object *value);

/* Is it a list?  If not, it is a mistake. */
bool natterctl_import_is_list(struct natterctl_import *im, const char *path, struct json_object *value);

/* Has each member of the object at path written, in the order of the keys, and
 * the others put into comments. */
void natterctl_import_members(struct natterctl_import *im, const char *path, struct json_object *object,
    const struct natterctl_import_key *keys);

/* The same as a group of its own. */
void natterctl_import_group(struct natterctl_import *im, const char *path, struct json_object *value,
    const struct natterctl_import_key *keys);

#endif
