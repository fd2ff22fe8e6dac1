/* SPDX-License-Identifier: ISC */
/*
 * Log lines.  A line starts with its subject, a mapping's name as a rule, and
 * is one line.  Where it goes is set once by the program: the supervisor's to
 * stderr, a file or syslog, a worker's up to its supervisor.
 */
#ifndef LOG_H
#define LOG_H

enum log_level {
	LOG_LEVEL_ERROR,
	LOG_LEVEL_WARNING,
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG,
	LOG_LEVEL_COUNT
};

/* Takes one line without its newline; text is printable. */
typedef void log_sink(enum log_level level, const char *text);

/* "error", "warning", "info", "debug"; level must be below LOG_LEVEL_COUNT. */
const char *log_level_name(enum log_level level);

/* The level of a name, v0.9's "critical" included (an error), or -1. */
int log_level_find(const char *name);

/* The start: lines go to stderr, INFO and what is more important. */
void log_set_level(enum log_level level);
enum log_level log_get_level(void);
void log_set_sink(log_sink *sink);

void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warning(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* One of the four, chosen at run time. */
void log_at(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Logs an error and ends the program with exit status 1. */
void fatal(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

#endif
