/* SPDX-License-Identifier: ISC */
/*
 * A mapping's hook: a shell command that is told what becomes of the outer
 * address.  It keeps what it last told, and runs when that is no longer true: one
 * run at a time for each mapping's name, so what happens in the meantime leads to
 * one more run at most, with what is true by then.  A run ends with its shell, or
 * when its time is over with its whole process group.  One that failed is repeated
 * as often as the settings say, after 1, 2, 4 .. 60 seconds, unless there is
 * something newer to tell.  Never waits and never reaps.
 */
#ifndef HOOK_H
#define HOOK_H

#include <event2/event.h>
#include <stdbool.h>
#include <sys/types.h>

#include "hook_settings.h"
#include "service.h"

/* The command is for /bin/sh -c, started in directory.  {outer_ip} and the like, any
 * field of record.h that is a number or a word, are replaced; "${outer_ip}" is
 * left to the shell, and every field is in the environment as NATTER_OUTER_IP.
 * Of these event and old_outer compare with what this hook was last told.  The
 * loss of an address is told only to a command that asks for events
 * (hook_command.h): for any other the last address stands until there is another.
 * Its output goes to the log.  A hook without a command is told nothing.
 * The settings are copied; base must outlive the hook, and service too or until it
 * is retired. */
struct hook *hook_new(struct event_base *base, const struct service *service,
    const struct hook_settings *settings, const char *directory);

/* Other settings from the next run on.  Nothing is run here; another command is told what
 * happens after what its predecessor was told, and a first one has been told nothing. */
void hook_change(struct hook *hook, const struct hook_settings *settings);

/* The service goes away, and may be freed at once.  Its hook is told so, if it asks for
 * events and was told an address: after what runs, and before the hook of another mapping with
 * its name or its port runs.  Then the hook frees itself.  NULL is no hook. */
void hook_retire(struct hook *hook);

/* The mapping's report changed: runs if there is something to tell.  NULL is no hook. */
void hook_update(struct hook *hook);

/* Natterd ends, and every hook is retired: runs the loop until all of them are done, at most
 * HOOKS_END_SECONDS or until something breaks the loop; then kills those that are left.  What
 * already ran has 3 seconds of them, so that some are left for what it hides. */
#define HOOKS_END_SECONDS 5
void hooks_end(struct event_base *base);

/* A child ended; wait_status is waitpid's.  Was it a hook's shell? */
bool hooks_reaped(pid_t pid, int wait_status);

#endif
