/* SPDX-License-Identifier: ISC */
/*
 * Where natterd's log lines go: to the terminal that started it, and once it
 * is a daemon to a file or to syslog.
 */
#ifndef LOGGER_H
#define LOGGER_H

/* Lines with a time go to stderr. */
void logger_use_stderr(void);
/* Appends to the file.  Returns 0, or -1 with errno. */
int logger_use_file(const char *path);
void logger_use_syslog(void);

#endif
