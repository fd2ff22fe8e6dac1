/* SPDX-License-Identifier: ISC */
/*
 * Log lines that say again what was said are counted: of equal lines that one subject
 * writes in a row the first is logged, and later on
 *
 *     web: last message repeated 7 times
 *
 * when the subject says something else, when the first of the seven is REPEATS_LONGEST
 * old, or at the end.  So subjects that take turns do not hide each other's repeats.
 * Debug lines are logged each time: there it matters when a step happened.
 */
#ifndef REPEATS_H
#define REPEATS_H

#include <event2/event.h>

#include "log.h"

#define REPEATS_LONGEST 60 /* seconds */

/* Where lines go.  Until repeats_open and after repeats_close nothing is counted. */
void repeats_set_sink(log_sink *sink);

/* The log_sink that counts. */
void repeats_take(enum log_level level, const char *text);

/* longest: how long repeats may wait until they are told. */
void repeats_open(struct event_base *base, const struct timeval *longest);
/* Tells what is counted still. */
void repeats_close(void);

#endif
