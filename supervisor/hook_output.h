/* SPDX-License-Identifier: ISC */
/*
 * What a hook's run writes: it goes to the log, line by line, up to a limit, and
 * is taken no faster than 3 MB/s.
 */
#ifndef HOOK_OUTPUT_H
#define HOOK_OUTPUT_H

#include <event2/event.h>

#include "log.h"

/* A longer line becomes several. */
#define HOOK_LINE_SIZE 300

struct hook_output {
	const char *name;       /* the mapping's */
	enum log_level level;
	int fd;
	struct event *readable; /* NULL: it is closed, and so is fd */
	struct event *pause;    /* from reading, after much at once */
	char line[HOOK_LINE_SIZE]; /* the unfinished one */
	size_t line_length;
	unsigned int lines;
	unsigned int lines_dropped;
};

/* Takes over fd, which must not wait, and logs what comes out of it at that level.  name must
 * live until the end. */
void hook_output_open(struct hook_output *o, struct event_base *base, int fd, const char *name,
    enum log_level level);

/* The run is over: takes what is there and no more, since somebody else may hold the other
 * end.  Nothing happens if it never was open. */
void hook_output_end(struct hook_output *o);

#endif
