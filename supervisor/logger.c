/* SPDX-License-Identifier: ISC */
/*
 * The supervisor's log sinks; see logger.h.
 */
#include "logger.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "log.h"
#include "message.h"

static int log_fd = STDERR_FILENO;

/* One write a line, so that lines of several writers to a file do not mix. */
static void
to_descriptor(enum log_level level, const char *text)
{
	char line[LOG_TEXT_SIZE + 64], when[32];
	time_t now = time(NULL);
	struct tm t;
	int n;

	strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S", localtime_r(&now, &t));
	n = snprintf(line, sizeof(line), "%s %s: %s\n", when, log_level_name(level), text);
	/* There is nowhere to say that the log cannot be written. */
	if (write(log_fd, line, (size_t)n) < 0)
		return;
}

static void
to_syslog(enum log_level level, const char *text)
{
	static const int priorities[LOG_LEVEL_COUNT] = {
	    [LOG_LEVEL_ERROR] = LOG_ERR,
	    [LOG_LEVEL_WARNING] = LOG_WARNING,
	    [LOG_LEVEL_INFO] = LOG_INFO,
	    [LOG_LEVEL_DEBUG] = LOG_DEBUG,
	};

	syslog(priorities[level], "%s", text);
}

void
logger_use_stderr(void)
{
	log_fd = STDERR_FILENO;
	log_set_sink(to_descriptor);
}

int
logger_use_file(const char *path)
{
	int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);

	if (fd < 0)
		return -1;
	log_fd = fd;
	log_set_sink(to_descriptor);
	return 0;
}

void
logger_use_syslog(void)
{
	openlog("natterd", LOG_PID, LOG_DAEMON);
	log_set_sink(to_syslog);
}
