/* SPDX-License-Identifier: ISC */
/*
 * Pipes for splicing; see pipes.h.
 */
#include "pipes.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

/* One pipe serves all connections that keep up; the others are for those whose reader is slow. */
#define SPARE_MAX 4
/* Once over its soft limit a user gets pipes of one or two pages: copying beats them. */
#define SIZE_MIN (64 * 1024)

static const size_t sizes[] = {1024 * 1024, 256 * 1024};
static const struct timeval second = {.tv_sec = 1};

SLIST_HEAD(pipe_list, pipe);

struct pipes {
	struct event *sweep; /* pending while there are spare ones or none to be had */
	struct pipe_list spare;
	int spare_count;
	bool used;   /* since the last sweep */
	bool denied; /* the kernel grants no more, for the time being */
};

static void
close_pipe(struct pipe *pipe)
{
	close(pipe->read_fd);
	close(pipe->write_fd);
	free(pipe);
}

static void
close_spare(struct pipes *pool)
{
	struct pipe *pipe;

	while ((pipe = SLIST_FIRST(&pool->spare)) != NULL) {
		SLIST_REMOVE_HEAD(&pool->spare, entry);
		close_pipe(pipe);
	}
	pool->spare_count = 0;
}

static void
sweep_later(struct pipes *pool)
{
	if (!event_pending(pool->sweep, EV_TIMEOUT, NULL))
		event_add(pool->sweep, &second);
}

static void
on_sweep(evutil_socket_t fd, short what, void *arg)
{
	struct pipes *pool = arg;

	(void)fd;
	(void)what;
	pool->denied = false;
	if (!pool->used)
		close_spare(pool);
	pool->used = false;
	if (pool->spare_count > 0)
		sweep_later(pool);
}

static void
enlarge(struct pipe *pipe)
{
	size_t i;

	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		if (fcntl(pipe->write_fd, F_SETPIPE_SZ, (int)sizes[i]) >= 0)
			return;
}

static struct pipe *
make_pipe(void)
{
	struct pipe *pipe = calloc(1, sizeof(*pipe));
	int fds[2], size;

	if (pipe == NULL || pipe2(fds, O_NONBLOCK | O_CLOEXEC) < 0) {
		free(pipe);
		return NULL;
	}
	pipe->read_fd = fds[0];
	pipe->write_fd = fds[1];
	enlarge(pipe);
	size = fcntl(pipe->write_fd, F_GETPIPE_SZ);
	if (size < SIZE_MIN) {
		close_pipe(pipe);
		return NULL;
	}
	pipe->size = (size_t)size;
	return pipe;
}

struct pipe *
pipes_take(struct pipes *pool)
{
	struct pipe *pipe = SLIST_FIRST(&pool->spare);

	if (pipe != NULL) {
		SLIST_REMOVE_HEAD(&pool->spare, entry);
		pool->spare_count--;
		return pipe;
	}
	if (pool->denied)
		return NULL;
	pipe = make_pipe();
	if (pipe == NULL) {
		pool->denied = true;
		sweep_later(pool);
	}
	return pipe;
}

void
pipes_return(struct pipes *pool, struct pipe *pipe)
{
	if (pipe->held > 0 || pool->spare_count >= SPARE_MAX) {
		close_pipe(pipe);
		return;
	}
	SLIST_INSERT_HEAD(&pool->spare, pipe, entry);
	pool->spare_count++;
	pool->used = true;
	sweep_later(pool);
}

struct pipes *
pipes_new(struct event_base *base)
{
	struct pipes *pool = calloc(1, sizeof(*pool));

	if (pool == NULL)
		return NULL;
	SLIST_INIT(&pool->spare);
	pool->sweep = event_new(base, -1, 0, on_sweep, pool);
	if (pool->sweep != NULL)
		return pool;
	free(pool);
	return NULL;
}

void
pipes_free(struct pipes *pool)
{
	if (pool == NULL)
		return;
	close_spare(pool);
	event_free(pool->sweep);
	free(pool);
}
