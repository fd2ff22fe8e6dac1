/* SPDX-License-Identifier: ISC */
/*
 * A large buffer whose memory goes back to the kernel by itself when it has not
 * been used for a while, so that an idle worker stays small.
 */
#ifndef BUFFER_H
#define BUFFER_H

#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buffer {
	uint8_t *data; /* of size bytes; what they contain lasts until the loop's next turn */
	size_t size;
	struct event *rest;
	bool used;  /* for much, since the timer began */
	bool grown; /* to more than what may stay; the timer runs */
};

/* Returns 0, or -1 without memory; buffer_free is right after both. */
int buffer_init(struct buffer *buffer, struct event_base *base, size_t size);
void buffer_free(struct buffer *buffer);

/* The timer of a buffer that has become large. */
void buffer_grow(struct buffer *buffer);

/* To be called after each use of more than the few pages that may stay.  What a slow flow uses
 * is worth no timer, and does not keep what a burst left. */
static inline void
buffer_note_use(struct buffer *buffer)
{
	buffer->used = true;
	if (!buffer->grown)
		buffer_grow(buffer);
}

#endif
