/* SPDX-License-Identifier: ISC */
/*
 * Counting records and looking at queues; see conduct.h.
 */
#include "conduct.h"

#include <linux/sockios.h>
#include <string.h>
#include <sys/ioctl.h>

#include "monotonic.h"

/* What one worker may send in so many seconds.  It has something new to say a few times a
 * second at most; at the level debug ten thousand connections may end at once, a line each. */
#define RECORDS_SECONDS 10
#define RECORDS_MAX 1000
#define LOGGED_MAX 20000
/* As many clients may come in a second as a relay can take. */
#define TARGETS_MAX 200000
/* What of its lines goes into the log: for debugging more, since somebody looks at them. */
#define LINES_MAX 20
#define LINES_SECONDS 10
#define LINES_SECONDS_DEBUG 1

/* A worker says in what state it is as soon as it is there; many begin at the same time. */
#define SILENCE_MAX 20
/* An idle one may be told nothing for hours. */
#define ASK_SECONDS 300

void
conduct_begin(struct conduct *c)
{
	memset(&c->records, 0, sizeof(c->records));
	memset(&c->targets, 0, sizeof(c->targets));
	memset(&c->logged, 0, sizeof(c->logged));
	c->began = c->asked = monotonic_seconds();
	c->told = c->told_then = 0;
	c->heard = c->behind = false;
}

const char *
conduct_take_record(struct conduct *c, const struct message *m)
{
	bool is_for_client = m->kind == MESSAGE_SOCKET && m->length == sizeof(m->socket_request) &&
			     m->socket_request.use == SOCKET_TARGET;

	if (m->kind == MESSAGE_REPORT)
		c->heard = true;
	if (is_for_client)
		return quota_take(&c->targets, TARGETS_MAX, RECORDS_SECONDS) ? NULL : "wants sockets without end";
	if (m->kind == MESSAGE_LOG)
		return quota_take(&c->logged, LOGGED_MAX, RECORDS_SECONDS) ? NULL : "writes log lines without end";
	return quota_take(&c->records, RECORDS_MAX, RECORDS_SECONDS) ? NULL : "sends without end";
}

bool
conduct_may_log(struct conduct *c, enum log_level level, const char *subject)
{
	bool debugging = log_get_level() == LOG_LEVEL_DEBUG;

	if (level > log_get_level())
		return false;
	return quota_take_line(&c->lines, LINES_MAX, debugging ? LINES_SECONDS_DEBUG : LINES_SECONDS, subject);
}

void
conduct_note_told(struct conduct *c)
{
	c->told++;
}

/* What lay there at the last look lies there still, if nothing else was sent since. */
static bool
does_not_read(struct conduct *c, int fd)
{
	int unread = 0;
	bool is_behind = ioctl(fd, SIOCOUTQ, &unread) == 0 && unread > 0;
	bool is_stuck = is_behind && c->behind && c->told == c->told_then;

	c->behind = is_behind;
	c->told_then = c->told;
	return is_stuck;
}

const char *
conduct_look(struct conduct *c, int fd, bool *ask)
{
	int64_t now = monotonic_seconds();

	*ask = false;
	if (!c->heard)
		return now - c->began > SILENCE_MAX ? "has not said anything since it was started" : NULL;
	if (does_not_read(c, fd))
		return "does not read";
	*ask = now - c->asked >= ASK_SECONDS;
	if (*ask)
		c->asked = now;
	return NULL;
}
