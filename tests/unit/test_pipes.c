/* SPDX-License-Identifier: ISC */
/*
 * The pool of pipes: what is taken, kept and closed, and what it does when the
 * kernel grants a user no more.
 * NEEDS: worker/pipes worker/net
 */
#include "loop.h"

#include <sys/wait.h>

#include "pipes.h"

#define MANY 3000
#define MIB (1024 * 1024)

static struct pipe *taken[MANY];

/* Is the descriptor a pipe's, and both ends as they should be? */
static void
check_pipe(const struct pipe *pipe)
{
	CHECK(fcntl(pipe->write_fd, F_GETPIPE_SZ) == (int)pipe->size && pipe->held == 0);
	CHECK((fcntl(pipe->read_fd, F_GETFL) & O_NONBLOCK) != 0 && (fcntl(pipe->write_fd, F_GETFL) & O_NONBLOCK) != 0);
	CHECK((fcntl(pipe->read_fd, F_GETFD) & FD_CLOEXEC) != 0);
}

static void
test_kept(void)
{
	struct pipes *pool = pipes_new(t.base);
	int before = count_open(), i;
	struct pipe *first = pipes_take(pool);

	MUST(first != NULL);
	check_pipe(first);
	pipes_return(pool, first);
	CHECK(pipes_take(pool) == first);
	for (i = 0; i < 20; i++)
		MUST((taken[i] = pipes_take(pool)) != NULL);
	CHECK(count_open() == before + 2 * 21);
	for (i = 0; i < 20; i++)
		pipes_return(pool, taken[i]);
	CHECK(count_open() < before + 2 * 10); /* few are kept, ... */
	first->held = 1;
	pipes_return(pool, first); /* ... none that is not empty, ... */
	CHECK(count_open() < before + 2 * 10);
	WAIT_FOR(count_open() == before); /* ... and all for a short time */
	pipes_free(pool);
	CHECK(count_open() == before);
}

/* As a user without privileges, whose pipes the kernel counts. */
static void
use_up(void)
{
	struct pipes *pool = pipes_new(t.base);
	int count = 0, i, tried;
	double start = net_now();

	while (count < MANY && (taken[count] = pipes_take(pool)) != NULL)
		count++;
	CHECK(count > 0 && count < MANY);
	for (i = 0; i < count; i++) {
		check_pipe(taken[i]);
		CHECK(taken[i]->size >= 64 * 1024 && taken[i]->size <= taken[0]->size);
	}
	tried = count_open();
	CHECK(pipes_take(pool) == NULL && count_open() == tried);
	for (i = 0; i < count; i++)
		pipes_return(pool, taken[i]);
	WAIT_FOR((taken[0] = pipes_take(pool)) != NULL);
	CHECK(net_now() - start < PATIENCE);
	pipes_return(pool, taken[0]);
	pipes_free(pool);
}

static void
test_budget(void)
{
	pid_t child;
	int status = -1;

	raise_nofile();
	child = fork();
	MUST(child >= 0);
	if (child == 0) {
		MUST(geteuid() != 0 || setuid(65534) == 0);
		MUST(event_reinit(t.base) == 0);
		use_up();
		_exit(check_done());
	}
	CHECK(waitpid(child, &status, 0) == child && status == 0);
}

int
main(void)
{
	loop_start();
	test_kept();
	test_budget();
	loop_end();
	return check_done();
}
