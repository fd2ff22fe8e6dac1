/* SPDX-License-Identifier: ISC */
/*
 * A mapping's hook: a shell command that is told the outer address whenever it
 * changes.  One run at a time for each mapping; changes in the meantime lead to
 * one more run, with what is true by then.  A run ends with its shell, or after
 * 30 seconds with SIGKILL to its process group.  Never waits and never reaps.
 */
#ifndef HOOK_H
#define HOOK_H

#include <event2/event.h>
#include <stdbool.h>
#include <sys/types.h>

#include "service.h"

/* command is for /bin/sh -c, started in directory.  {outer_ip} and the like, any
 * field of record.h that is a number or a word, are replaced; "${outer_ip}" is
 * left to the shell, and every field is in the environment as NATTER_OUTER_IP.
 * Its output goes to the log.  base and service must outlive the hook. */
struct hook *hook_new(struct event_base *base, struct service *service, const char *command,
    const char *directory);

/* Kills a running one with its process group; its pid is then nobody's. */
void hook_free(struct hook *hook);

/* The outer address changed.  NULL is a mapping without a hook. */
void hook_run(struct hook *hook);

/* The mapping has an outer address again: makes up for a run that could not
 * start because it had lost it meanwhile. */
void hook_resume(struct hook *hook);

/* A child ended; wait_status is waitpid's.  Was it a hook's shell? */
bool hooks_reaped(pid_t pid, int wait_status);

/* For the runs that start from now on, in milliseconds; 30000 at first. */
void hooks_set_time_limit(unsigned int milliseconds);

#endif
