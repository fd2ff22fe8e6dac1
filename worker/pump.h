/* SPDX-License-Identifier: ISC */
/*
 * One direction of a TCP connection: bytes from one descriptor to another, in
 * order and complete, then the end of the stream.  A reader that is slow stops
 * its writer: at most a buffer or a pipe of bytes is held between the two.
 *
 * Small messages are read and written, which costs two system calls; where full
 * buffers come in a row, the bytes are spliced through a pipe instead of being copied.
 */
#ifndef PUMP_H
#define PUMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buffer.h"
#include "pipes.h"

#define PUMP_BUFFER_SIZE (64 * 1024)

/* A descriptor, watched edge-triggered for EPOLLIN, EPOLLOUT, EPOLLRDHUP and EPOLLPRI.  What an event
 * says is remembered until a system call shows that it is used up: readable and writable mean
 * "worth a try". */
struct pump_end {
	int fd; /* non-blocking */
	bool readable;
	bool writable;
	/* Behind the next bytes may be what no further event will tell: the end, an
	 * error, or more bytes after an urgent one.  Only EAGAIN says that all is read. */
	bool drain;
	bool closing; /* its end is behind the bytes that are still to be read */
	bool urgent; /* has had an urgent byte, which splice(2) would never get past */
};

struct pump_stash;

/* Zero-filled at first. */
struct pump {
	struct pump_stash *stash; /* what was read and not sent yet; NULL: nothing */
	struct pipe *pipe;        /* the same while splicing; only one of the two */
	uint8_t streak;           /* of reads that speak for the other way of moving */
	bool splices;
	bool cut;      /* from is broken: its last bytes pass, but an end would be a lie */
	bool ended;    /* from has sent its last byte */
	bool finished; /* and to was told so */
	bool last;     /* the other direction is finished, so that a close follows and tells to */
};

/* What all pumps of a loop share. */
struct pump_tools {
	struct pipes *pipes;
	struct buffer buffer; /* of PUMP_BUFFER_SIZE, used within a call only */
};

enum pump_result {
	PUMP_WAITS,   /* for an event, or is finished */
	PUMP_GOES_ON, /* has used up its turn */
	PUMP_FAILED,  /* one end is broken; errno says why */
};

/* Moves bytes until one end has to be waited for or the turn is used up; adds those that
 * were sent to counter.  SIGPIPE must be ignored. */
enum pump_result pump_run(struct pump *p, struct pump_end *from, struct pump_end *to, struct pump_tools *tools,
    uint64_t *counter);

/* from broke, as the other direction's pump found out: the next pump_run looks
 * for its last bytes without waiting for an event. */
void pump_cut(struct pump *p, struct pump_end *from);

/* Will the next pump_run look at from, and so notice that it broke? */
bool pump_is_reading(const struct pump *p);

/* Frees what the pump holds; the descriptors are their owner's. */
void pump_clear(struct pump *p, struct pump_tools *tools);

#endif
