/* SPDX-License-Identifier: ISC */
/*
 * Hooks: what is told, when, and when again; see hook.h.  A run of one is in
 * hook_run.c, what is run in hook_command.c.
 */
#include "hook.h"

#include <bsd/string.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "bucket.h"
#include "hook_command.h"
#include "hook_run.h"
#include "jitter.h"
#include "log.h"
#include "monotonic.h"

#define PAUSE_MAX 60 /* seconds */
/* An address may change so often in a row, and then this often, for a run each. */
#define RUNS_AT_ONCE 10
#define RUN_EVERY_MS 10000
/* At natterd's end a run that began before has so many, and one more after SIGTERM. */
#define END_OF_RUN_SECONDS 3

struct hook {
	LIST_ENTRY(hook) entry;
	char name[MAPPING_NAME_SIZE]; /* the service's, as it was last looked at */
	const struct service *service;
	struct service *last;   /* of one that went away, and then service is this; else NULL */
	struct hook_settings settings;
	char *directory;
	bool asks_event;        /* the loss of an address is told, too */
	struct addr told;       /* the last address that it was told; unset: none yet */
	bool told_loss;         /* and after that, that it is gone */
	struct service *telling; /* what runs now, or will again; NULL: nothing */
	unsigned int tries;     /* runs that told it */
	unsigned int refusals;  /* starts in a row for which the system had no process, memory or descriptor */
	struct event *repeat;
	struct bucket starts;   /* runs that are no repetitions */
	struct event *pause;    /* pending: there were too many */
	bool failing;           /* the log has it, and no run has succeeded since */
	struct hook_run run;
};

static struct {
	LIST_HEAD(, hook) all;
} hooks;

static void
forget_telling(struct hook *h)
{
	evtimer_del(h->repeat);
	free(h->telling);
	h->telling = NULL;
}

static bool
is_busy(const struct hook *h)
{
	return h->run.pid != 0 || h->telling != NULL;
}

static enum outer_event
due_event(const struct hook *h)
{
	static const struct addr none;
	enum outer_event event = outer_event_between(h->told_loss ? &none : &h->told, &h->service->report.outer);

	if (h->settings.command == NULL)
		return OUTER_SAME;
	return event == OUTER_DOWN && !h->asks_event ? OUTER_SAME : event;
}

/* The mapping as its hook tells it: its event leads from what was told before. */
static void
tell(struct hook *h, enum outer_event event)
{
	forget_telling(h);
	h->telling = alloc_zero(sizeof(*h->telling));
	*h->telling = *h->service;
	h->telling->event = event;
	h->telling->old_outer = h->told;
	h->tries = 0;
	h->told_loss = event == OUTER_DOWN;
	if (!h->told_loss)
		h->told = h->service->report.outer;
}

/* What went away is told that it did, and not what it was. */
static bool
is_still_due(const struct hook *h)
{
	return h->settings.command != NULL && due_event(h) == OUTER_SAME && (h->last == NULL || h->told_loss);
}

/* 1, 2, 4 .. 60 s */
static unsigned int
pause_after(unsigned int failures)
{
	return failures > 6 ? PAUSE_MAX : 1U << (failures - 1);
}

static void
run_later(struct hook *h, unsigned int seconds)
{
	struct timeval t = jitter(seconds);

	evtimer_add(h->repeat, &t);
}

/* Of one that goes on failing the log has the first time. */
static enum log_level
level_of_failure(struct hook *h)
{
	enum log_level level = h->failing ? LOG_LEVEL_DEBUG : LOG_LEVEL_WARNING;

	h->failing = true;
	return level;
}

static void
take_failure(struct hook *h, const char *why)
{
	enum log_level level = level_of_failure(h);

	if (h->tries > h->settings.retry || !is_still_due(h)) {
		log_at(level, "%s: hook: %s", h->name, why);
		forget_telling(h);
		return;
	}
	log_at(level, "%s: hook: %s; it runs again in %u s (repetition %u of %u)", h->name, why,
	    pause_after(h->tries), h->tries, h->settings.retry);
	run_later(h, pause_after(h->tries));
}

/* It was no run, and is none of the repetitions that the operator allows. */
static void
take_refusal(struct hook *h, int error)
{
	unsigned int pause = pause_after(++h->refusals);

	log_at(level_of_failure(h), "%s: hook: cannot be started: %s; trying again in %u s", h->name, strerror(error),
	    pause);
	if (is_still_due(h))
		run_later(h, pause);
	else
		forget_telling(h);
}

static void
take_success(struct hook *h)
{
	log_at(h->failing ? LOG_LEVEL_INFO : LOG_LEVEL_DEBUG, "%s: hook: done%s", h->name,
	    h->failing ? ", after it had failed" : "");
	h->failing = false;
	forget_telling(h);
}

static void
run(struct hook *h)
{
	enum log_level level = h->tries > 0 ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO;

	if (hook_run_start(&h->run, &h->settings, h->telling, h->directory, level) < 0) {
		take_refusal(h, errno);
		return;
	}
	h->tries++;
	h->refusals = 0;
	log_debug("%s: hook: started for %s, pid %ld", h->name, outer_event_name(h->telling->event), (long)h->run.pid);
}

static void
free_hook(struct hook *h)
{
	LIST_REMOVE(h, entry);
	hook_run_free(&h->run);
	forget_telling(h);
	event_free(h->repeat);
	event_free(h->pause);
	hook_settings_free(&h->settings);
	free(h->directory);
	free(h->last);
	free(h);
}

/* With its name or, as one that is called something else now, with its port. */
static bool
is_in_place_of(const struct mapping *new, const struct mapping *old)
{
	return strcmp(new->name, old->name) == 0 || mapping_same_place(new, old);
}

/* One that went away is told before another one in its place, but not again and again. */
static bool
has_to_wait(const struct hook *h)
{
	struct hook *before, *next;

	if (h->last != NULL)
		return false;
	for (before = LIST_FIRST(&hooks.all); before != NULL; before = next) {
		next = LIST_NEXT(before, entry);
		if (before->last == NULL || !is_in_place_of(&h->service->mapping, &before->service->mapping))
			continue;
		if (before->run.pid != 0)
			return true;
		free_hook(before);
	}
	return false;
}

/* Of an address that changes without end it tells the latest now and then.  A last word is
 * the last. */
static bool
is_too_early(struct hook *h)
{
	unsigned int wait;
	struct timeval t;

	if (h->last != NULL)
		return false;
	if (evtimer_pending(h->pause, NULL))
		return true;
	wait = bucket_take(&h->starts, monotonic_milliseconds());
	t = (struct timeval){.tv_sec = wait / 1000, .tv_usec = (wait % 1000) * 1000};
	if (wait > 0)
		evtimer_add(h->pause, &t);
	return wait > 0;
}

static void
start_if_due(struct hook *h)
{
	enum outer_event event = due_event(h);

	strlcpy(h->name, h->service->mapping.name, sizeof(h->name));
	if (event == OUTER_SAME || h->run.pid != 0 || has_to_wait(h) || is_too_early(h))
		return;
	tell(h, event);
	run(h);
}

/* What waited for it may wait for another one still. */
static void
start_successors(const struct mapping *old)
{
	struct hook *h;

	LIST_FOREACH (h, &hooks.all, entry)
		if (h->last == NULL && is_in_place_of(&h->service->mapping, old))
			start_if_due(h);
}

static void
go_on(struct hook *h)
{
	struct mapping old;

	start_if_due(h);
	if (h->last == NULL || is_busy(h))
		return;
	old = h->last->mapping;
	free_hook(h);
	start_successors(&old);
}

static void
on_pause_over(evutil_socket_t fd, short what, void *context)
{
	(void)fd, (void)what;
	go_on(context);
}

static void
on_repeat(evutil_socket_t fd, short what, void *context)
{
	struct hook *h = context;

	(void)fd, (void)what;
	run(h);
	go_on(h);
}

void
hook_update(struct hook *hook)
{
	if (hook != NULL)
		start_if_due(hook);
}

bool
hooks_reaped(pid_t pid, int wait_status)
{
	char why[HOOK_RUN_WHY_SIZE];
	struct hook *h;

	LIST_FOREACH (h, &hooks.all, entry)
		if (h->run.pid == pid)
			break;
	if (h == NULL)
		return false;
	if (hook_run_end(&h->run, wait_status, why))
		take_success(h);
	else
		take_failure(h, why);
	go_on(h);
	return true;
}

struct hook *
hook_new(struct event_base *base, const struct service *service, const struct hook_settings *settings,
    const char *directory)
{
	struct hook *h = alloc_zero(sizeof(*h));

	h->service = service;
	h->directory = alloc_string(directory);
	hook_run_init(&h->run, base, h->name);
	h->repeat = evtimer_new(base, on_repeat, h);
	h->pause = evtimer_new(base, on_pause_over, h);
	bucket_init(&h->starts, RUNS_AT_ONCE, RUN_EVERY_MS);
	if (h->repeat == NULL || h->pause == NULL)
		fatal("natterd: out of memory");
	LIST_INSERT_HEAD(&hooks.all, h, entry);
	hook_change(h, settings);
	return h;
}

void
hook_change(struct hook *hook, const struct hook_settings *settings)
{
	hook_settings_free(&hook->settings);
	hook_settings_copy(settings, &hook->settings);
	hook->asks_event = settings->command != NULL && hook_command_asks_event(settings->command);
	hook->failing = false;
	if (settings->command != NULL)
		return;
	memset(&hook->told, 0, sizeof(hook->told));
	hook->told_loss = false;
	if (hook->run.pid == 0)
		forget_telling(hook);
}

/* The address goes with the worker; the port inside is known as before. */
void
hook_retire(struct hook *hook)
{
	static const struct addr none;

	if (hook == NULL)
		return;
	hook->last = alloc_zero(sizeof(*hook->last));
	*hook->last = *hook->service;
	hook->last->report.outer = none;
	hook->last->report.state = STATE_STOPPED;
	hook->last->peer.pid = 0;
	hook->service = hook->last;
	if (hook->run.pid == 0 && !hook->told_loss)
		forget_telling(hook);
	go_on(hook);
}

static void
on_end_over(evutil_socket_t fd, short what, void *context)
{
	(void)fd, (void)what;
	event_base_loopbreak(context);
}

static void
wait_for_all(struct event_base *base)
{
	static const struct timeval limit = {.tv_sec = HOOKS_END_SECONDS};
	struct event *over = evtimer_new(base, on_end_over, base);

	if (over == NULL || evtimer_add(over, &limit) < 0)
		fatal("natterd: out of memory");
	do
		event_base_loop(base, EVLOOP_ONCE);
	while (!LIST_EMPTY(&hooks.all) && !event_base_got_break(base));
	event_free(over);
}

void
hooks_end(struct event_base *base)
{
	struct hook *h;

	LIST_FOREACH (h, &hooks.all, entry)
		hook_run_hurry(&h->run, END_OF_RUN_SECONDS);
	if (!LIST_EMPTY(&hooks.all))
		wait_for_all(base);
	while ((h = LIST_FIRST(&hooks.all)) != NULL) {
		log_warning("%s: hook: natterd ends without waiting for it any longer", h->name);
		free_hook(h);
	}
}
