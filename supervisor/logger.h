/* SPDX-License-Identifier: ISC */
/*
 * Where natterd's log lines go: to the terminal that started it, and once it
 * is a daemon to a file or to syslog.
 */
#ifndef LOGGER_H
#define LOGGER_H

#include <event2/event.h>

/* Lines with a time go to stderr; without one, and with their level as the journal takes it, if
 * that is systemd's journal (JOURNAL_STREAM). */
void logger_use_stderr(void);
/* Appends to the file, from now on or still if it is the same.  Lines that it cannot take, since the
 * disk is full, are lost; how many is the first that it takes afterwards.  Returns 0, or -1 with errno: then
 * lines go where they went. */
int logger_use_file(const char *path);
void logger_use_syslog(void);
/* What a daemon's log is: a file, which may be the one that it has, or, NULL, syslog.  Returns 0,
 * or -1 with errno; then lines go where they went. */
int logger_choose(const char *path);

/* From now on SIGUSR1 has the file, if there is one, opened anew, for whoever moved it
 * away; and lines that repeat others are counted (repeats.h). */
void logger_open(struct event_base *base);
void logger_close(void);

#endif
