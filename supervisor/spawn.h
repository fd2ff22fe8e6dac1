/* SPDX-License-Identifier: ISC */
/*
 * The mechanism of child processes: starting a worker with its socket, and the
 * one place that waits for children.  The policy is service.c's.
 */
#ifndef SPAWN_H
#define SPAWN_H

#include <event2/event.h>
#include <sys/types.h>

/* The exit status of a worker that could not be executed. */
#define SPAWN_NO_EXEC 127

/* Finds natter-worker (beside natterd, else in LIBEXECDIR) and begins to reap.
 * Returns 0, or -1 with the error logged. */
int spawn_open(struct event_base *base);
void spawn_close(void);

/* Starts a worker; *fd is our end of its socket, non-blocking.  Returns its
 * pid, or -1 with errno. */
pid_t spawn_worker(int *fd);

/* Reaps what has ended by now; each pid goes to whoever started it. */
void spawn_reap(void);

#endif
