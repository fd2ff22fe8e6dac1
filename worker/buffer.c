/* SPDX-License-Identifier: ISC */
/*
 * A buffer that gives its memory back; see buffer.h.
 */
#include "buffer.h"

#include "pages.h"

/* Without much use for this long, but at most twice as long, memory is given back. */
static const struct timeval rest_delay = {.tv_sec = 1};

static void
on_rest(evutil_socket_t fd, short what, void *arg)
{
	struct buffer *b = arg;

	(void)fd;
	(void)what;
	if (b->used)
		event_add(b->rest, &rest_delay);
	else
		pages_give_back(b->data, b->size);
	b->grown = b->used;
	b->used = false;
}

int
buffer_init(struct buffer *buffer, struct event_base *base, size_t size)
{
	*buffer = (struct buffer){.data = pages_new(size), .size = size};
	buffer->rest = event_new(base, -1, 0, on_rest, buffer);
	return buffer->data == NULL || buffer->rest == NULL ? -1 : 0;
}

void
buffer_free(struct buffer *buffer)
{
	if (buffer->rest != NULL)
		event_free(buffer->rest);
	pages_free(buffer->data, buffer->size);
}

void
buffer_grow(struct buffer *buffer)
{
	buffer->grown = true;
	event_add(buffer->rest, &rest_delay);
}
