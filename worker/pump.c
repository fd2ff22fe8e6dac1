/* SPDX-License-Identifier: ISC */
/*
 * One direction of a TCP connection; see pump.h.
 */
#include "pump.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* How many bytes a direction moves before others have their turn. */
#define TURN (1024 * 1024)
/* Measured: from 64 KiB at a time on, splicing costs less than copying; below 8 KiB
 * it costs a quarter more. */
#define FULL_READS 2
#define SMALL_SPLICE (8 * 1024)
#define SMALL_SPLICES 8
/* What a read may leave touched of the buffer for good. */
#define SMALL_READ (8 * 1024)

struct pump_stash {
	size_t begin;
	size_t end;
	uint8_t data[];
};

/* The call of a pump_run, whose arguments all steps need. */
struct run {
	struct pump *p;
	struct pump_end *from;
	struct pump_end *to;
	struct pump_tools *tools;
	uint64_t *counter;
};

static bool
is_no_error(void)
{
	return errno == EAGAIN || errno == EINTR;
}

/* What a read or a splice from the stream returned; 0 bytes at the end and when there is
 * nothing now, or -1. */
static ssize_t
note_read(struct run *r, ssize_t n)
{
	if (n == 0)
		r->p->ended = true;
	if (n >= 0)
		return n;
	if (errno == EAGAIN)
		r->from->readable = false;
	return is_no_error() ? 0 : -1;
}

/* What a write returned; 0 if to takes nothing now, or -1. */
static ssize_t
note_write(struct run *r, ssize_t n)
{
	if (n >= 0) {
		*r->counter += (uint64_t)n;
		return n;
	}
	if (errno == EAGAIN)
		r->to->writable = false;
	return is_no_error() ? 0 : -1;
}

/* Sends what it can; returns the number of bytes, or -1. */
static ssize_t
push(struct run *r, const uint8_t *data, size_t length)
{
	ssize_t n;

	if (!r->to->writable)
		return 0;
	/* Where the end follows at once, it goes in the same segment. */
	n = note_write(r, send(r->to->fd, data, length, r->from->closing && !r->p->cut ? MSG_MORE : 0));
	/* epoll(7): less than all of it means that the space is used up, and an
	 * edge will follow. */
	if (n > 0 && (size_t)n < length)
		r->to->writable = false;
	return n;
}

static int
keep_rest(struct pump *p, const uint8_t *data, size_t length)
{
	p->stash = malloc(sizeof(*p->stash) + length);
	if (p->stash == NULL)
		return -1;
	memcpy(p->stash->data, data, length);
	p->stash->begin = 0;
	p->stash->end = length;
	return 0;
}

static int
push_stash(struct run *r)
{
	struct pump_stash *s = r->p->stash;
	ssize_t n = push(r, s->data + s->begin, s->end - s->begin);

	if (n < 0)
		return -1;
	s->begin += (size_t)n;
	if (s->begin == s->end) {
		free(s);
		r->p->stash = NULL;
	}
	return 0;
}

static void
leave_pipe(struct pump *p, struct pump_tools *tools)
{
	pipes_return(tools->pipes, p->pipe);
	p->pipe = NULL;
}

static int
push_pipe(struct run *r)
{
	struct pipe *pipe = r->p->pipe;
	ssize_t n;

	while (pipe->held > 0 && r->to->writable) {
		n = note_write(r, splice(pipe->read_fd, NULL, r->to->fd, NULL, pipe->held, SPLICE_F_MOVE | SPLICE_F_NONBLOCK));
		if (n < 0)
			return -1;
		pipe->held -= (size_t)n;
		pipe->full = pipe->full && n == 0;
	}
	return 0;
}

/* Sends what was read before and not sent; -1 if that failed. */
static int
push_held(struct run *r)
{
	if (r->p->stash != NULL)
		return push_stash(r);
	return r->p->pipe != NULL ? push_pipe(r) : 0;
}

static bool
holds(const struct pump *p)
{
	return p->stash != NULL || (p->pipe != NULL && p->pipe->held > 0);
}

/* A pipe takes more while it waits for its reader: the sender need not stop for so long. */
static bool
has_room(const struct pump *p)
{
	return p->stash == NULL && (p->pipe == NULL || (!p->pipe->full && p->pipe->held < p->pipe->size));
}

/* Counts what speaks for a change from copying to splicing or back. */
static void
consider(struct pump *p, bool change, int enough)
{
	p->streak = change ? (uint8_t)(p->streak + 1) : 0;
	if (p->streak < enough)
		return;
	p->splices = !p->splices;
	p->streak = 0;
}

/* One read and what of it can be sent.  Returns the bytes read, or -1. */
static ssize_t
copy(struct run *r)
{
	uint8_t *data = r->tools->buffer.data;
	ssize_t got = note_read(r, recv(r->from->fd, data, PUMP_BUFFER_SIZE, 0)), sent;

	if (got <= 0)
		return got;
	if (got > SMALL_READ)
		buffer_note_use(&r->tools->buffer);
	if (got < PUMP_BUFFER_SIZE && !r->from->drain)
		r->from->readable = false;
	consider(r->p, got == PUMP_BUFFER_SIZE, FULL_READS);
	sent = push(r, data, (size_t)got);
	if (sent < 0 || (sent < got && keep_rest(r->p, data + sent, (size_t)(got - sent)) < 0))
		return -1;
	return got;
}

/* Is it an urgent byte that stopped a splice?  Where the end of the stream has arrived, too, splice(2)
 * tells of the end, whatever lies between. */
static bool
note_mark(struct run *r)
{
	struct pipe *pipe = r->p->pipe;

	if (sockatmark(r->from->fd) != 1)
		return false;
	r->from->urgent = true;
	r->from->drain = true;
	pipe->full = pipe->held > 0; /* the rest is copied, after what it holds */
	return true;
}

/* The same into a pipe. */
static ssize_t
pour(struct run *r)
{
	struct pipe *pipe = r->p->pipe;
	ssize_t got = splice(r->from->fd, NULL, pipe->write_fd, NULL, pipe->size - pipe->held, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);

	/* Either there is nothing to read, or small pieces have used up the pipe's slots.  Which of
	 * the two shows when it is empty again. */
	pipe->full = got < 0 && errno == EAGAIN && pipe->held > 0;
	if (pipe->full)
		return 0;
	if (got == 0 && note_mark(r))
		return 0;
	got = note_read(r, got);
	if (got <= 0)
		return got;
	pipe->held += (size_t)got;
	consider(r->p, got < SMALL_SPLICE, SMALL_SPLICES);
	return got;
}

static ssize_t
move(struct run *r)
{
	struct pump *p = r->p;
	bool splices = p->splices && !r->from->urgent;

	if (p->pipe == NULL && splices)
		p->pipe = pipes_take(r->tools->pipes);
	else if (p->pipe != NULL && p->pipe->held == 0 && !splices)
		leave_pipe(p, r->tools);
	return p->pipe != NULL ? pour(r) : copy(r);
}

static enum pump_result
finish(struct run *r)
{
	if (r->p->cut)
		return PUMP_FAILED;
	if (!r->p->finished && !r->p->last && shutdown(r->to->fd, SHUT_WR) < 0)
		return PUMP_FAILED;
	r->p->finished = true;
	return PUMP_WAITS;
}

static enum pump_result
run(struct run *r)
{
	size_t moved = 0;
	ssize_t n;

	while (moved < TURN) {
		if (push_held(r) < 0)
			return PUMP_FAILED;
		if (r->p->ended && !holds(r->p))
			return finish(r);
		if (r->p->ended || !has_room(r->p) || !r->from->readable)
			return holds(r->p) && r->to->writable ? PUMP_GOES_ON : PUMP_WAITS;
		n = move(r);
		if (n < 0)
			return PUMP_FAILED;
		moved += (size_t)n;
	}
	return PUMP_GOES_ON;
}

enum pump_result
pump_run(struct pump *p, struct pump_end *from, struct pump_end *to, struct pump_tools *tools, uint64_t *counter)
{
	struct run r = {p, from, to, tools, counter};
	enum pump_result result = run(&r);

	if (p->pipe != NULL && p->pipe->held == 0)
		leave_pipe(p, tools);
	return result;
}

void
pump_cut(struct pump *p, struct pump_end *from)
{
	p->cut = true;
	from->readable = true;
	from->drain = true;
}

bool
pump_is_reading(const struct pump *p)
{
	return has_room(p) && !p->ended;
}

void
pump_clear(struct pump *p, struct pump_tools *tools)
{
	free(p->stash);
	p->stash = NULL;
	if (p->pipe != NULL)
		leave_pipe(p, tools);
}
