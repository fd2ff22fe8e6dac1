/* SPDX-License-Identifier: ISC */
/*
 * The last line of each subject, as far as they can be remembered; see repeats.h.
 */
#include "repeats.h"

#include <stdlib.h>
#include <string.h>

#include "message.h"

/* Of more subjects the one that was silent for longest is forgotten. */
#define SUBJECTS_MAX 64

struct line {
	char *text; /* NULL: nothing was said here */
	enum log_level level;
	unsigned int repeated; /* not told yet */
	unsigned long long used;
};

static struct {
	log_sink *sink;
	struct event *timer; /* NULL: closed */
	struct timeval longest;
	struct line lines[SUBJECTS_MAX];
	unsigned long long clock; /* lines so far */
	unsigned int held;        /* lines with repeats to tell */
} repeats;

void
repeats_set_sink(log_sink *sink)
{
	repeats.sink = sink;
}

/* "web: ", or nothing. */
static size_t
subject_length(const char *text)
{
	const char *end = strstr(text, ": ");

	return end != NULL ? (size_t)(end - text) + strlen(": ") : 0;
}

static void
tell(struct line *l)
{
	char text[LOG_TEXT_SIZE];

	if (l->text == NULL || l->repeated == 0)
		return;
	snprintf(text, sizeof(text), "%.*slast message repeated %u time%s", (int)subject_length(l->text), l->text,
	    l->repeated, l->repeated == 1 ? "" : "s");
	l->repeated = 0;
	if (--repeats.held == 0)
		event_del(repeats.timer);
	repeats.sink(l->level, text);
}

static void
tell_all(void)
{
	size_t i;

	for (i = 0; i < SUBJECTS_MAX; i++)
		tell(&repeats.lines[i]);
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	tell_all();
}

static bool
is_about(const struct line *l, const char *text, size_t subject)
{
	return l->text != NULL && subject_length(l->text) == subject && strncmp(l->text, text, subject) == 0;
}

/* The line of the text's subject, or the one to be forgotten. */
static struct line *
find(const char *text)
{
	size_t i, subject = subject_length(text);
	struct line *found = &repeats.lines[0];

	for (i = 0; i < SUBJECTS_MAX; i++) {
		if (is_about(&repeats.lines[i], text, subject))
			return &repeats.lines[i];
		if (repeats.lines[i].used < found->used)
			found = &repeats.lines[i];
	}
	return found;
}

static void
forget(struct line *l)
{
	tell(l);
	free(l->text);
	l->text = NULL;
}

/* Is it another of the same?  Then it is counted. */
static bool
count(enum log_level level, const char *text)
{
	struct line *l = find(text);

	if (l->text != NULL && l->level == level && strcmp(l->text, text) == 0) {
		l->used = ++repeats.clock;
		if (l->repeated++ == 0 && repeats.held++ == 0)
			evtimer_add(repeats.timer, &repeats.longest);
		return true;
	}
	/* One that is not remembered makes nobody forgotten. */
	if (level != LOG_LEVEL_DEBUG || is_about(l, text, subject_length(text)))
		forget(l);
	if (level == LOG_LEVEL_DEBUG)
		return false;
	l->used = ++repeats.clock;
	l->text = strdup(text); /* without memory it is not remembered: an error would be a line again */
	l->level = level;
	return false;
}

void
repeats_take(enum log_level level, const char *text)
{
	if (repeats.timer == NULL || !count(level, text))
		repeats.sink(level, text);
}

void
repeats_open(struct event_base *base, const struct timeval *longest)
{
	repeats.longest = *longest;
	repeats.timer = evtimer_new(base, on_timer, NULL);
	if (repeats.timer == NULL)
		fatal("natterd: out of memory");
}

void
repeats_close(void)
{
	size_t i;

	if (repeats.timer == NULL)
		return;
	for (i = 0; i < SUBJECTS_MAX; i++)
		forget(&repeats.lines[i]);
	event_free(repeats.timer);
	repeats.timer = NULL;
}
