/* SPDX-License-Identifier: ISC */
/*
 * A hook's output; see hook_output.h.
 */
#include "hook_output.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "text.h"

#define LINES_MAX 100 /* logged of one run */
/* What a pipe holds: more than this was not there when the shell ended. */
#define PIPE_SIZE 65536
/* Between two pipefuls: who floods the pipe waits for it as well, and both leave the machine to others. */
static const struct timeval pause_after_pipeful = {.tv_usec = 20000};

static void
end_line(struct hook_output *o)
{
	o->line[o->line_length] = '\0';
	if (o->line_length > 0 && o->lines < LINES_MAX)
		log_at(o->level, "%s: hook: %s", o->name, o->line);
	else if (o->line_length > 0)
		o->lines_dropped++;
	if (o->line_length > 0)
		o->lines++;
	o->line_length = 0;
}

/* A line that is full: a character that is not whole yet begins the next one. */
static void
break_line(struct hook_output *o)
{
	char rest[3];
	size_t n = 1;

	while (n < sizeof(rest) && (o->line[o->line_length - n] & 0xc0) == 0x80)
		n++;
	if ((o->line[o->line_length - n] & 0xc0) != 0xc0 ||
	    text_printable_length(o->line + o->line_length - n, n) > 0)
		n = 0;
	memcpy(rest, o->line + o->line_length - n, n);
	o->line_length -= n;
	end_line(o);
	memcpy(o->line, rest, n);
	o->line_length = n;
}

static void
take(struct hook_output *o, const char *data, size_t length)
{
	size_t i;

	for (i = 0; i < length; i++) {
		if (data[i] == '\n') {
			end_line(o);
			continue;
		}
		if (o->line_length == sizeof(o->line) - 1)
			break_line(o);
		o->line[o->line_length++] = data[i];
	}
}

static void
close_output(struct hook_output *o)
{
	event_free(o->readable);
	event_free(o->pause);
	o->readable = NULL;
	close(o->fd);
}

/* Returns how much there was; 0 if there is no more now, or ever. */
static size_t
read_output(struct hook_output *o)
{
	char data[4096];
	ssize_t n;

	n = read(o->fd, data, sizeof(data));
	if (n > 0) {
		take(o, data, (size_t)n);
		return (size_t)n;
	}
	if (n == 0 || (errno != EAGAIN && errno != EINTR))
		close_output(o);
	return 0;
}

/* Returns how much there was, up to a pipeful. */
static size_t
read_pipeful(struct hook_output *o)
{
	size_t n, all = 0;

	while (o->readable != NULL && all < PIPE_SIZE && (n = read_output(o)) > 0)
		all += n;
	return all;
}

static void
on_output(evutil_socket_t fd, short what, void *context)
{
	struct hook_output *o = context;

	(void)fd, (void)what;
	if (read_pipeful(o) < PIPE_SIZE || o->readable == NULL)
		return;
	event_del(o->readable);
	evtimer_add(o->pause, &pause_after_pipeful);
}

static void
on_pause_over(evutil_socket_t fd, short what, void *context)
{
	const struct hook_output *o = context;

	(void)fd, (void)what;
	event_add(o->readable, NULL);
}

void
hook_output_open(struct hook_output *o, struct event_base *base, int fd, const char *name, enum log_level level)
{
	memset(o, 0, sizeof(*o));
	o->name = name;
	o->level = level;
	o->fd = fd;
	o->readable = event_new(base, fd, EV_READ | EV_PERSIST, on_output, o);
	o->pause = evtimer_new(base, on_pause_over, o);
	if (o->readable == NULL || o->pause == NULL || event_add(o->readable, NULL) < 0)
		fatal("%s: hook: cannot be watched: out of memory", name);
}

void
hook_output_end(struct hook_output *o)
{
	read_pipeful(o);
	if (o->readable != NULL)
		close_output(o);
	end_line(o);
	if (o->lines_dropped > 0)
		log_at(o->level, "%s: hook: %u more lines were not logged", o->name, o->lines_dropped);
	o->lines_dropped = 0;
}
