/* SPDX-License-Identifier: ISC */
/*
 * Hooks: when one runs, its output and its end; see hook.h.  What is run is
 * made in hook_command.c.
 */
#include "hook.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "alloc.h"
#include "hook_command.h"
#include "log.h"
#include "record.h"

#define LINE_SIZE 300
#define LINES_MAX 100 /* logged of one run */
/* What a pipe holds: more than this was not there when the shell ended. */
#define DRAIN_MAX 65536

struct hook {
	LIST_ENTRY(hook) entry;
	struct event_base *base;
	struct service *service;
	char *command;
	char *directory;
	bool asks_event;        /* the loss of an address is told, too */
	struct addr told;       /* the last address that it was told; unset: none yet */
	bool told_loss;         /* and after that, that it is gone */
	pid_t pid;              /* of the shell and its process group; 0: none runs */
	int output;             /* what it writes, or -1 */
	struct event *readable; /* NULL: output is closed */
	struct event *limit;
	bool killed;            /* it ran too long */
	char line[LINE_SIZE];   /* the unfinished one */
	size_t line_length;
	unsigned int lines;
	unsigned int lines_dropped;
};

static struct {
	LIST_HEAD(, hook) all;
	unsigned int time_limit; /* ms */
} hooks = {.time_limit = 30000};

static const char *
name_of(const struct hook *h)
{
	return h->service->mapping.name;
}

static void
end_line(struct hook *h)
{
	h->line[h->line_length] = '\0';
	if (h->line_length > 0 && h->lines < LINES_MAX)
		log_info("%s: hook: %s", name_of(h), h->line);
	else if (h->line_length > 0)
		h->lines_dropped++;
	if (h->line_length > 0)
		h->lines++;
	h->line_length = 0;
}

/* A line longer than the buffer becomes several. */
static void
take_output(struct hook *h, const char *data, size_t length)
{
	size_t i;

	for (i = 0; i < length; i++) {
		if (data[i] == '\n') {
			end_line(h);
			continue;
		}
		if (h->line_length == sizeof(h->line) - 1)
			end_line(h);
		h->line[h->line_length++] = data[i];
	}
}

static void
close_output(struct hook *h)
{
	if (h->readable == NULL)
		return;
	event_free(h->readable);
	h->readable = NULL;
	close(h->output);
	h->output = -1;
}

/* Returns how much there was; 0 if there is no more now, or ever. */
static size_t
read_output(struct hook *h)
{
	char data[4096];
	ssize_t n;

	n = read(h->output, data, sizeof(data));
	if (n > 0) {
		take_output(h, data, (size_t)n);
		return (size_t)n;
	}
	if (n == 0 || (errno != EAGAIN && errno != EINTR))
		close_output(h);
	return 0;
}

static void
on_output(evutil_socket_t fd, short what, void *context)
{
	(void)fd, (void)what;
	read_output(context);
}

static void
on_limit(evutil_socket_t fd, short what, void *context)
{
	struct hook *h = context;

	(void)fd, (void)what;
	log_warning("%s: hook: still running after %u s, killed", name_of(h), (hooks.time_limit + 999) / 1000);
	h->killed = true;
	kill(-h->pid, SIGKILL);
}

static void
watch(struct hook *h)
{
	struct timeval limit = {
	    .tv_sec = hooks.time_limit / 1000,
	    .tv_usec = (hooks.time_limit % 1000) * 1000,
	};

	h->readable = event_new(h->base, h->output, EV_READ | EV_PERSIST, on_output, h);
	if (h->readable == NULL || event_add(h->readable, NULL) < 0 || evtimer_add(h->limit, &limit) < 0)
		fatal("%s: hook: cannot be watched: out of memory", name_of(h));
}

/* The mapping as this run tells it: its event leads from what was told before. */
static struct service
tell(struct hook *h, enum outer_event event)
{
	struct service told = *h->service;

	told.event = event;
	told.old_outer = h->told;
	h->told_loss = event == OUTER_DOWN;
	if (!h->told_loss)
		h->told = told.report.outer;
	return told;
}

static void
start(struct hook *h, enum outer_event event)
{
	struct service told = tell(h, event);
	char *command = hook_command_expand(h->command, &told);
	char **environment = record_environment(&told);

	h->killed = false;
	h->line_length = 0;
	h->lines = h->lines_dropped = 0;
	h->pid = hook_command_start(command, environment, h->directory, &h->output);
	if (h->pid < 0) {
		log_error("%s: hook: cannot be started: %s; the next change is the next try", name_of(h),
		    strerror(errno));
		h->pid = 0;
	} else {
		log_debug("%s: hook: started for %s, pid %ld", name_of(h), outer_event_name(event), (long)h->pid);
		watch(h);
	}
	free(command);
	record_environment_free(environment);
}

static enum outer_event
due_event(const struct hook *h)
{
	static const struct addr none;
	enum outer_event event = outer_event_between(h->told_loss ? &none : &h->told, &h->service->report.outer);

	return event == OUTER_DOWN && !h->asks_event ? OUTER_SAME : event;
}

static void
start_if_due(struct hook *h)
{
	enum outer_event event = due_event(h);

	if (event != OUTER_SAME && h->pid == 0)
		start(h, event);
}

void
hook_update(struct hook *hook)
{
	if (hook != NULL)
		start_if_due(hook);
}

/* A grandchild may hold the pipe open and go on writing: what was there when
 * the shell ended is read, and then the run is over. */
static void
finish_output(struct hook *h)
{
	size_t n, drained = 0;

	while (h->readable != NULL && drained < DRAIN_MAX && (n = read_output(h)) > 0)
		drained += n;
	close_output(h);
	end_line(h);
	if (h->lines_dropped > 0)
		log_info("%s: hook: %u more lines were not logged", name_of(h), h->lines_dropped);
}

static void
log_end(const struct hook *h, int wait_status)
{
	if (h->killed)
		return; /* logged when it was */
	if (WIFSIGNALED(wait_status))
		log_warning("%s: hook: ended by signal %d (%s)", name_of(h), WTERMSIG(wait_status),
		    strsignal(WTERMSIG(wait_status)));
	else if (WEXITSTATUS(wait_status) != 0)
		log_warning("%s: hook: failed with exit status %d", name_of(h), WEXITSTATUS(wait_status));
	else
		log_debug("%s: hook: done", name_of(h));
}

bool
hooks_reaped(pid_t pid, int wait_status)
{
	struct hook *h;

	LIST_FOREACH (h, &hooks.all, entry)
		if (h->pid == pid)
			break;
	if (h == NULL)
		return false;
	evtimer_del(h->limit);
	finish_output(h);
	log_end(h, wait_status);
	h->pid = 0;
	start_if_due(h);
	return true;
}

void
hooks_set_time_limit(unsigned int milliseconds)
{
	hooks.time_limit = milliseconds;
}

struct hook *
hook_new(struct event_base *base, struct service *service, const char *command, const char *directory)
{
	struct hook *h = alloc_zero(sizeof(*h));

	h->base = base;
	h->service = service;
	h->command = alloc_string(command);
	h->directory = alloc_string(directory);
	h->asks_event = hook_command_asks_event(command);
	h->output = -1;
	h->limit = evtimer_new(base, on_limit, h);
	if (h->limit == NULL)
		fatal("out of memory");
	LIST_INSERT_HEAD(&hooks.all, h, entry);
	return h;
}

void
hook_free(struct hook *hook)
{
	if (hook == NULL)
		return;
	if (hook->pid > 0 && kill(-hook->pid, SIGKILL) < 0)
		kill(hook->pid, SIGKILL); /* just forked: not a group yet */
	close_output(hook);
	event_free(hook->limit);
	LIST_REMOVE(hook, entry);
	free(hook->command);
	free(hook->directory);
	free(hook);
}
