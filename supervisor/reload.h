/* SPDX-License-Identifier: ISC */
/*
 * natter.cfg read again while natterd runs: as a whole before anything is done, so that a bad
 * file changes nothing.  Mappings that are the same in both files go on without noticing.
 */
#ifndef RELOAD_H
#define RELOAD_H

#include <event2/event.h>
#include <stdbool.h>

#include "options.h"
#include "reload_services.h"

/* Settings that only a start can apply. */
#define RELOAD_FIXED_COUNT 4

struct reload_result {
	bool done;
	struct reload_counts counts; /* if it is done */
	const char *needs_restart[RELOAD_FIXED_COUNT]; /* what differs of those settings */
	size_t needs_restart_count;
	char **mistakes; /* if not: each as the log has it */
	size_t mistake_count;
};

/* *config is what natterd runs with, all of it.  A reload frees it and puts another one in its
 * place.  options, of a service, must live until the last reload. */
void reload_open(struct event_base *base, const struct options *options, struct config **config);

/* Reads the file again and applies it, or logs what is wrong.  *result is to be freed. */
void reload_now(struct reload_result *result);
void reload_result_free(struct reload_result *result);

/* What a reload has done, in a line: "48 mappings kept, 1 changed, ...". */
#define RELOAD_TEXT_SIZE 256
const char *reload_text(const struct reload_result *result, char buf[RELOAD_TEXT_SIZE]);

#endif
