/* SPDX-License-Identifier: ISC */
/*
 * The one way in which the supervisor forks, be it for a worker, a look-up or a
 * hook.
 */
#ifndef CHILD_H
#define CHILD_H

#include <stdbool.h>
#include <sys/types.h>

/* The descriptor that a child keeps. */
#define CHILD_FD 3

/* Forks.  The child is alone in a session, so that it has no terminal, and a
 * process group.  It has default signals, /dev/null as standard input and
 * output, our standard error, and besides these only keep, as CHILD_FD; no
 * handler of the parent ever runs in it.  Returns as fork(2). */
pid_t child_fork(int keep);

/* In the child, as whom it is to be from now on: it gets that signal when natterd dies, or ends at once if
 * that has happened. */
void child_follow_parent(int signal_number);
/* Natterd has died. */
bool child_is_orphan(void);

#endif
