/* SPDX-License-Identifier: ISC */
/*
 * One direction of a TCP connection: bytes from one descriptor to another, in
 * order and complete, then the end of the stream.  A reader that is slow stops
 * its writer: at most PUMP_BUFFER_SIZE bytes are held between the two.
 *
 * The descriptors are watched edge-triggered.  What an event says is remembered
 * until a system call says EAGAIN: readable and writable mean "worth a try".
 */
#ifndef PUMP_H
#define PUMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PUMP_BUFFER_SIZE (64 * 1024)

struct pump_end {
	int fd; /* non-blocking */
	bool readable;
	bool writable;
};

struct pump {
	struct pump_end *from;
	struct pump_end *to;
	uint64_t *counter; /* of the bytes that were sent */
	uint8_t *stash;    /* what was read and not sent yet; NULL: nothing */
	size_t stash_begin;
	size_t stash_end;
	bool cut;          /* from is broken: its last bytes pass, but an end would be a lie */
	bool ended;        /* from has sent its last byte */
	bool finished;     /* and to was told so */
};

enum pump_result {
	PUMP_WAITS,   /* for an event, or is finished */
	PUMP_GOES_ON, /* has used up its turn */
	PUMP_FAILED,  /* one end is broken; errno says why */
};

/* Moves bytes until one end has to be waited for or the turn is used up.
 * buffer is used within the call only, so all pumps share one. */
enum pump_result pump_run(struct pump *p, uint8_t buffer[PUMP_BUFFER_SIZE]);

/* from broke, as the other direction's pump found out: the next pump_run looks
 * for its last bytes without waiting for an event. */
void pump_cut(struct pump *p);

/* Will the next pump_run look at from, and so notice that it broke? */
bool pump_is_reading(const struct pump *p);

/* Frees what the pump holds; the descriptors are their owner's. */
void pump_clear(struct pump *p);

#endif
