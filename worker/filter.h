/* SPDX-License-Identifier: ISC */
/*
 * The last wall around a worker, which nobody can take down again: what the kernel itself
 * ends it for from then on.  A kernel that lacks it lets the worker run without.
 */
#ifndef FILTER_H
#define FILTER_H

/* Only the system calls remain that a worker makes, sockets only of TCP and UDP, and memory
 * can never be executed that was written (seccomp): anything else ends it with SIGSYS.  Where the
 * C library makes sockets by socketcall(2), as on i386, their kinds and options cannot be told.
 * no_new_privs must be set.  Returns 0, or -1 with errno. */
int filter_calls(void);

#endif
