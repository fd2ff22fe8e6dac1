/* SPDX-License-Identifier: ISC */
/*
 * The supervisor's log sinks; see logger.h.
 */
#include "logger.h"

#include <bsd/string.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "files.h"
#include "log.h"
#include "message.h"
#include "repeats.h"

static const int priorities[LOG_LEVEL_COUNT] = {
    [LOG_LEVEL_ERROR] = LOG_ERR,
    [LOG_LEVEL_WARNING] = LOG_WARNING,
    [LOG_LEVEL_INFO] = LOG_INFO,
    [LOG_LEVEL_DEBUG] = LOG_DEBUG,
};

static struct {
	int fd;
	char path[PATH_MAX]; /* of the file; "": there is none */
	struct event *reopen;
	unsigned long lost; /* lines that could not be written and were not told of yet */
	int error;          /* why */
	bool torn;          /* the last that was written is half a line */
} logger = {.fd = STDERR_FILENO};

/* One write a line, so that lines of several writers to a file do not mix.  A full disk may
 * take half a line: the next one then begins on a new line. */
static bool
put_line(enum log_level level, const char *text)
{
	char line[LOG_TEXT_SIZE + 64], when[32];
	time_t now = time(NULL);
	struct tm t;
	ssize_t written;
	int n;

	strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S", localtime_r(&now, &t));
	n = snprintf(line, sizeof(line), "%s%s %s: %s\n", logger.torn ? "\n" : "", when, log_level_name(level), text);
	written = write(logger.fd, line, (size_t)n);
	if (written == n) {
		logger.torn = false;
		return true;
	}
	logger.error = written < 0 ? errno : ENOSPC;
	logger.torn = logger.torn || written > 0;
	return false;
}

/* There is nowhere to say that the log cannot be written, until it can. */
static bool
tell_lost(void)
{
	char text[128];

	if (logger.lost == 0)
		return true;
	snprintf(text, sizeof(text), "natterd: %lu line%s before this one could not be written: %s", logger.lost,
	    logger.lost == 1 ? "" : "s", strerror(logger.error));
	if (!put_line(LOG_LEVEL_WARNING, text))
		return false;
	logger.lost = 0;
	return true;
}

static void
to_descriptor(enum log_level level, const char *text)
{
	if (!tell_lost() || !put_line(level, text))
		logger.lost++;
}

/* The journal has times and levels of its own; sd-daemon(3) says how it is told a level. */
static void
to_journal(enum log_level level, const char *text)
{
	char line[LOG_TEXT_SIZE + 8];
	int n = snprintf(line, sizeof(line), "<%d>%s\n", priorities[level], text);

	if (write(STDERR_FILENO, line, (size_t)n) < 0)
		return;
}

/* JOURNAL_STREAM is the journal's device and inode; stderr may be another one by now. */
static bool
stderr_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long device, inode;
	struct stat st;

	return stream != NULL && sscanf(stream, "%llu:%llu", &device, &inode) == 2 && fstat(STDERR_FILENO, &st) == 0 &&
	       st.st_dev == device && st.st_ino == inode;
}

static void
to_syslog(enum log_level level, const char *text)
{
	syslog(priorities[level], "%s", text);
}

static void
use_descriptor(int fd, log_sink *sink)
{
	if (logger.fd != STDERR_FILENO)
		close(logger.fd);
	logger.fd = fd;
	repeats_set_sink(sink);
	log_set_sink(repeats_take);
}

void
logger_use_stderr(void)
{
	logger.path[0] = '\0';
	use_descriptor(STDERR_FILENO, stderr_is_journal() ? to_journal : to_descriptor);
}

/* A terminal must not become ours, nor a pipe that nobody reads make everybody wait. */
int
logger_use_file(const char *path)
{
	int fd = files_open(path, O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK, 0640);

	if (fd < 0)
		return -1;
	if (path != logger.path)
		strlcpy(logger.path, path, sizeof(logger.path));
	use_descriptor(fd, to_descriptor);
	return 0;
}

void
logger_use_syslog(void)
{
	logger_use_stderr();
	openlog("natterd", LOG_PID, LOG_DAEMON);
	repeats_set_sink(to_syslog);
}

static void
on_reopen(evutil_socket_t number, short what, void *arg)
{
	(void)number;
	(void)what;
	(void)arg;
	if (logger.path[0] == '\0')
		log_debug("natterd: there is no log file to open again");
	else if (logger_use_file(logger.path) == 0)
		log_info("natterd: the log file was opened again");
	else
		log_error("natterd: cannot open the log file %s again: %s; lines go to the old one", logger.path,
		    files_why(errno));
}

void
logger_open(struct event_base *base)
{
	static const struct timeval longest = {.tv_sec = REPEATS_LONGEST};

	repeats_open(base, &longest);
	logger.reopen = evsignal_new(base, SIGUSR1, on_reopen, NULL);
	if (logger.reopen == NULL || event_add(logger.reopen, NULL) < 0)
		fatal("natterd: cannot watch signals");
}

void
logger_close(void)
{
	event_free(logger.reopen);
	repeats_close();
}

int
logger_choose(const char *path)
{
	if (path != NULL)
		return logger_use_file(path);
	logger_use_syslog();
	return 0;
}
