/* SPDX-License-Identifier: ISC */
/*
 * Between natterd and a hook's shell: a process that does nothing but end the
 * hook, should natterd be killed.  Otherwise a hook that natterd could no longer
 * stop might publish an old address after the next natterd's hook.
 */
#ifndef HOOK_GUARD_H
#define HOOK_GUARD_H

/* In a child of child_fork, which leads a process group.  Forks once more and returns in that child
 * alone, whose signals are as before; if there can be no more processes says so to CHILD_FD and ends.  The other one waits for it, and ends as it did.  When natterd has died
 * it ends the group, by SIGTERM and a second later by SIGKILL. */
void hook_guard(void);

#endif
