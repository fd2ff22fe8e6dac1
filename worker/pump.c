/* SPDX-License-Identifier: ISC */
/*
 * One direction of a TCP connection; see pump.h.
 */
#include "pump.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* How many bytes a direction moves before others have their turn. */
#define TURN (1024 * 1024)

/* Reads into buffer; 0 bytes at the end and when there is nothing now. */
static ssize_t
pull(struct pump *p, uint8_t *buffer)
{
	ssize_t n = recv(p->from->fd, buffer, PUMP_BUFFER_SIZE, 0);

	/* A short read proves nothing: behind the last bytes the end or a reset may
	 * already be there, which no further edge would tell.  So EAGAIN it is. */
	if (n == 0)
		p->ended = true;
	if (n >= 0 || (errno != EAGAIN && errno != EINTR))
		return n;
	if (errno == EAGAIN)
		p->from->readable = false;
	return 0;
}

/* Sends what it can; returns the number of bytes, or -1. */
static ssize_t
push(struct pump *p, const uint8_t *data, size_t length)
{
	ssize_t n;

	if (!p->to->writable)
		return 0;
	n = send(p->to->fd, data, length, MSG_NOSIGNAL);
	if (n < 0 && errno != EAGAIN && errno != EINTR)
		return -1;
	/* epoll(7): less than all of it means that the space is used up, and an
	 * edge will follow. */
	if (n < 0 ? errno == EAGAIN : (size_t)n < length)
		p->to->writable = false;
	if (n < 0)
		return 0;
	*p->counter += (uint64_t)n;
	return n;
}

static int
keep_rest(struct pump *p, const uint8_t *data, size_t length)
{
	p->stash = malloc(length);
	if (p->stash == NULL)
		return -1;
	memcpy(p->stash, data, length);
	p->stash_begin = 0;
	p->stash_end = length;
	return 0;
}

static int
push_stash(struct pump *p)
{
	ssize_t n = push(p, p->stash + p->stash_begin, p->stash_end - p->stash_begin);

	if (n < 0)
		return -1;
	p->stash_begin += (size_t)n;
	if (p->stash_begin == p->stash_end)
		pump_clear(p);
	return 0;
}

/* One read and what of it can be sent.  Returns the bytes read, or -1. */
static ssize_t
move(struct pump *p, uint8_t *buffer)
{
	ssize_t got = pull(p, buffer), sent;

	if (got <= 0)
		return got;
	sent = push(p, buffer, (size_t)got);
	if (sent < 0 || (sent < got && keep_rest(p, buffer + sent, (size_t)(got - sent)) < 0))
		return -1;
	return got;
}

static enum pump_result
finish(struct pump *p)
{
	if (!p->finished && shutdown(p->to->fd, SHUT_WR) < 0)
		return PUMP_FAILED;
	p->finished = true;
	return PUMP_WAITS;
}

enum pump_result
pump_run(struct pump *p, uint8_t buffer[PUMP_BUFFER_SIZE])
{
	size_t moved = 0;
	ssize_t n;

	while (moved < TURN) {
		if (p->stash != NULL && push_stash(p) < 0)
			return PUMP_FAILED;
		if (p->stash != NULL)
			return p->to->writable ? PUMP_GOES_ON : PUMP_WAITS;
		if (p->ended)
			return p->cut ? PUMP_FAILED : finish(p);
		if (!p->from->readable)
			return PUMP_WAITS;
		n = move(p, buffer);
		if (n < 0)
			return PUMP_FAILED;
		moved += (size_t)n;
	}
	return PUMP_GOES_ON;
}

void
pump_cut(struct pump *p)
{
	p->cut = true;
	p->from->readable = true;
}

bool
pump_is_reading(const struct pump *p)
{
	return p->stash == NULL && !p->ended;
}

void
pump_clear(struct pump *p)
{
	free(p->stash);
	p->stash = NULL;
}
