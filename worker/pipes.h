/* SPDX-License-Identifier: ISC */
/*
 * The pipes that bulk data is spliced through.  They are large, and the kernel counts
 * them per user, against fs.pipe-user-pages-soft and -hard (pipe(7)): all workers together
 * may have 64 of 1 MiB.  So a pipe is out of the pool only while it holds bytes, few empty
 * ones are kept, and those for a short time.
 */
#ifndef PIPES_H
#define PIPES_H

#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/queue.h>

struct pipes;

struct pipe {
	SLIST_ENTRY(pipe) entry;
	int read_fd; /* both non-blocking */
	int write_fd;
	size_t size; /* bytes it can hold, if they come in full pages */
	size_t held; /* bytes it holds; its user keeps count ... */
	bool full;   /* ... and finds out that it takes no more, though it holds less than its size */
};

/* NULL without memory. */
struct pipes *pipes_new(struct event_base *base);
void pipes_free(struct pipes *pool);

/* An empty pipe of 1 MiB, 256 KiB or the system's default, whichever the kernel still
 * grants; NULL if it grants none that is worth it, for which there is no new try
 * within a second. */
struct pipe *pipes_take(struct pipes *pool);
/* Gives it back.  Bytes that it still holds are lost. */
void pipes_return(struct pipes *pool, struct pipe *pipe);

#endif
