/* SPDX-License-Identifier: ISC */
/*
 * A mapping's hook: a shell command that is told what becomes of the outer
 * address.  It keeps what it last told, and runs when that is no longer true: one
 * run at a time for each mapping, so what happens in the meantime leads to one
 * more run at most, with what is true by then.  A run ends with its shell, or
 * after 30 seconds with SIGKILL to its process group.  Never waits and never reaps.
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
 * Of these event and old_outer compare with what this command was last told.  The
 * loss of an address is told only to a command that asks for events
 * (hook_command.h): for any other the last address stands until there is another.
 * Its output goes to the log.  base and service must outlive the hook. */
struct hook *hook_new(struct event_base *base, struct service *service, const char *command,
    const char *directory);

/* Kills a running one with its process group; its pid is then nobody's. */
void hook_free(struct hook *hook);

/* The mapping's report changed: runs if there is something to tell.  NULL is a
 * mapping without a hook. */
void hook_update(struct hook *hook);

/* A child ended; wait_status is waitpid's.  Was it a hook's shell? */
bool hooks_reaped(pid_t pid, int wait_status);

/* For the runs that start from now on, in milliseconds; 30000 at first. */
void hooks_set_time_limit(unsigned int milliseconds);

#endif
