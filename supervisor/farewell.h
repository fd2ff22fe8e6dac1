/* SPDX-License-Identifier: ISC */
/*
 * Workers that nobody is interested in any more: each was asked to leave, and is killed if it
 * does not.  Never waits.
 */
#ifndef FAREWELL_H
#define FAREWELL_H

#include <event2/event.h>
#include <stdbool.h>
#include <sys/types.h>

/* The socket to the worker is closed, and so it leaves; after half a second it is killed. */
void farewell_begin(struct event_base *base, pid_t pid);
/* A child ended.  Was it one of them? */
bool farewell_reaped(pid_t pid);
/* Kills those that are left. */
void farewell_end_all(void);

#endif
