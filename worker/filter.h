/* SPDX-License-Identifier: ISC */
/*
 * The last two walls around a worker, which nobody can take down again: what the kernel
 * itself refuses from then on.  Where a kernel lacks one the worker runs without it.
 */
#ifndef FILTER_H
#define FILTER_H

/* No file can be reached any more (Landlock).  Returns 0, or -1 with errno. */
int filter_files(void);

/* Only the system calls remain that a worker makes, sockets only of TCP and UDP, and memory
 * can never be executed that was written (seccomp): anything else ends it with SIGSYS.
 * no_new_privs must be set.  Returns 0, or -1 with errno. */
int filter_calls(void);

#endif
