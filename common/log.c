/* SPDX-License-Identifier: ISC */
/*
 * Log levels and the way to the sink; see log.h.
 */
#include "log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "message.h"
#include "text.h"

static const char *const level_names[LOG_LEVEL_COUNT] = {
    [LOG_LEVEL_ERROR] = "error",
    [LOG_LEVEL_WARNING] = "warning",
    [LOG_LEVEL_INFO] = "info",
    [LOG_LEVEL_DEBUG] = "debug",
};

static void
to_stderr(enum log_level level, const char *text)
{
	fprintf(stderr, "%s: %s\n", log_level_name(level), text);
}

static enum log_level threshold = LOG_LEVEL_INFO;
static log_sink *log_to = to_stderr;

const char *
log_level_name(enum log_level level)
{
	return level_names[level];
}

int
log_level_find(const char *name)
{
	int i;

	if (strcmp(name, "critical") == 0)
		return LOG_LEVEL_ERROR;
	for (i = 0; i < LOG_LEVEL_COUNT; i++)
		if (strcmp(name, level_names[i]) == 0)
			return i;
	return -1;
}

void
log_set_level(enum log_level level)
{
	threshold = level;
}

enum log_level
log_get_level(void)
{
	return threshold;
}

void
log_set_sink(log_sink *sink)
{
	log_to = sink;
}

static void __attribute__((format(printf, 2, 0)))
write_line(enum log_level level, const char *format, va_list args)
{
	char raw[LOG_TEXT_SIZE], text[LOG_TEXT_SIZE];

	if (level > threshold)
		return;
	vsnprintf(raw, sizeof(raw), format, args);
	text_copy_printable(text, sizeof(text), raw, strlen(raw));
	log_to(level, text);
}

#define WRITE_LINE(level)                                                                                             \
	do {                                                                                                          \
		va_list args;                                                                                         \
		va_start(args, format);                                                                               \
		write_line(level, format, args);                                                                      \
		va_end(args);                                                                                         \
	} while (0)

void
log_error(const char *format, ...)
{
	WRITE_LINE(LOG_LEVEL_ERROR);
}

void
log_warning(const char *format, ...)
{
	WRITE_LINE(LOG_LEVEL_WARNING);
}

void
log_info(const char *format, ...)
{
	WRITE_LINE(LOG_LEVEL_INFO);
}

void
log_debug(const char *format, ...)
{
	WRITE_LINE(LOG_LEVEL_DEBUG);
}

void
log_at(enum log_level level, const char *format, ...)
{
	WRITE_LINE(level);
}

void
fatal(const char *format, ...)
{
	WRITE_LINE(LOG_LEVEL_ERROR);
	exit(EXIT_FAILURE);
}
