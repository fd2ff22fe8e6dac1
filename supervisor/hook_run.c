/* SPDX-License-Identifier: ISC */
/*
 * A run of a hook; see hook_run.h.
 */
#include "hook_run.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "hook_command.h"
#include "record.h"

/* From SIGTERM to SIGKILL. */
#define GRACE_SECONDS 1

static void
signal_group(const struct hook_run *r, int number)
{
	if (kill(-r->pid, number) < 0)
		kill(r->pid, number); /* just forked: not a group yet */
}

static void
set_limit(struct hook_run *r, unsigned int seconds)
{
	struct timeval t = {.tv_sec = seconds};

	if (evtimer_add(r->limit, &t) < 0)
		fatal("%s: hook: cannot be watched: out of memory", r->name);
}

static void
on_limit(evutil_socket_t fd, short what, void *context)
{
	struct hook_run *r = context;

	(void)fd, (void)what;
	signal_group(r, r->overdue ? SIGKILL : SIGTERM);
	if (!r->overdue)
		set_limit(r, GRACE_SECONDS);
	r->overdue = true;
}

void
hook_run_init(struct hook_run *r, struct event_base *base, const char *name)
{
	memset(r, 0, sizeof(*r));
	r->base = base;
	r->name = name;
	r->limit = evtimer_new(base, on_limit, r);
	if (r->limit == NULL)
		fatal("natterd: out of memory");
}

int
hook_run_start(struct hook_run *r, const struct hook_settings *settings, const struct service *told,
    const char *directory, enum log_level level)
{
	char *command = hook_command_expand(settings->command, told);
	char **environment = record_environment(told);
	pid_t pid;
	int output, error;

	pid = hook_command_start(command, environment, directory, settings, &output);
	error = errno;
	free(command);
	record_environment_free(environment);
	if (pid < 0) {
		errno = error;
		return -1;
	}
	r->pid = pid;
	r->overdue = r->hurried = false;
	r->allowed = settings->timeout;
	hook_output_open(&r->output, r->base, output, r->name, level);
	set_limit(r, r->allowed);
	return 0;
}

void
hook_run_hurry(struct hook_run *r, unsigned int seconds)
{
	struct timeval now, until, latest = {.tv_sec = seconds};

	if (r->pid == 0 || r->overdue || evtimer_pending(r->limit, &until) == 0)
		return;
	evutil_gettimeofday(&now, NULL);
	evutil_timeradd(&now, &latest, &latest);
	if (evutil_timercmp(&until, &latest, <=))
		return;
	r->hurried = true;
	set_limit(r, seconds);
}

static void
describe_status(int wait_status, char why[HOOK_RUN_WHY_SIZE])
{
	if (WIFSIGNALED(wait_status))
		snprintf(why, HOOK_RUN_WHY_SIZE, "ended by signal %d (%s)", WTERMSIG(wait_status),
		    strsignal(WTERMSIG(wait_status)));
	else
		snprintf(why, HOOK_RUN_WHY_SIZE, "failed with exit status %d%s", WEXITSTATUS(wait_status),
		    WEXITSTATUS(wait_status) == 127 ? ": a program was not found" : "");
}

bool
hook_run_end(struct hook_run *r, int wait_status, char why[HOOK_RUN_WHY_SIZE])
{
	bool success = !r->overdue && WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == 0;

	evtimer_del(r->limit);
	hook_output_end(&r->output);
	if (r->hurried && r->overdue)
		snprintf(why, HOOK_RUN_WHY_SIZE, "still running while natterd ends, and ended too");
	else if (r->overdue)
		snprintf(why, HOOK_RUN_WHY_SIZE, "still running after %u s, and ended", r->allowed);
	else if (!success)
		describe_status(wait_status, why);
	/* The shell had time to tidy up; what it left of its group has not.  If it was not the shell but its guard that
	 * was killed, all of it is left. */
	if (r->overdue || (WIFSIGNALED(wait_status) && WTERMSIG(wait_status) == SIGKILL))
		kill(-r->pid, SIGKILL);
	r->pid = 0;
	return success;
}

void
hook_run_free(struct hook_run *r)
{
	if (r->pid > 0)
		signal_group(r, SIGKILL);
	hook_output_end(&r->output);
	event_free(r->limit);
}
