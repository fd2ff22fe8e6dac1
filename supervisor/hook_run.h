/* SPDX-License-Identifier: ISC */
/*
 * One run of a hook's command: its process group, its time, its output.  What
 * follows from its end is hook.c's.
 */
#ifndef HOOK_RUN_H
#define HOOK_RUN_H

#include <stdbool.h>
#include <sys/types.h>

#include "hook_output.h"
#include "hook_settings.h"
#include "service.h"

struct hook_run {
	const char *name;    /* the mapping's */
	struct event_base *base;
	pid_t pid;           /* of the shell and its process group; 0: none runs */
	struct event *limit; /* first asks it to end, then kills it */
	unsigned int allowed; /* seconds */
	bool overdue;        /* it was asked to end */
	bool hurried;        /* its time was cut short, or would have been */
	struct hook_output output;
};

/* Why a run failed, in plain words. */
#define HOOK_RUN_WHY_SIZE 160

/* name must live until hook_run_free. */
void hook_run_init(struct hook_run *r, struct event_base *base, const char *name);

/* Runs the command with what told says, as the account and for the time that the settings name;
 * its output is logged at that level.  One at a time.  Returns 0, or -1 with errno. */
int hook_run_start(struct hook_run *r, const struct hook_settings *settings, const struct service *told,
    const char *directory, enum log_level level);

/* Natterd ends: a run has so many seconds from now at most. */
void hook_run_hurry(struct hook_run *r, unsigned int seconds);

/* Its shell has ended; wait_status is waitpid's.  Did it succeed?  If not, *why says so. */
bool hook_run_end(struct hook_run *r, int wait_status, char why[HOOK_RUN_WHY_SIZE]);

/* Kills a running one with its process group; its pid is then nobody's. */
void hook_run_free(struct hook_run *r);

#endif
