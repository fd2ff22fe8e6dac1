/* SPDX-License-Identifier: ISC */
/*
 * A relay's work as a script.  One thread plays the clients, the relay and the target in turns, and
 * each has its turn when there is something for it, so that what the relay does depends
 * neither on the machine's speed nor on what else runs.
 *
 * The relay works between two calls of getsid(2), which a trace shows, and in relay_turn, by whose
 * name a profiler counts.
 */
#ifndef SCRIPT_H
#define SCRIPT_H

#include "loop.h"

#include <poll.h>

/* A relay that waits for nothing but a timer has waited that long. */
#define PAUSE_MS 20

static struct {
	int loop_fd;   /* readable if the relay has something to do */
	bool counting; /* the first units of a part are not counted: they are dearer */
} script;

static void __attribute__((noinline))
relay_turn(void)
{
	(void)getsid(0);
	turn();
	(void)getsid(0);
}

/* A profiler hands over its count here. */
static void __attribute__((noinline))
end_part(const char *name, int units)
{
	dprintf(STDOUT_FILENO, "%s %d\n", name, units);
	script.counting = false;
}

static inline bool
has_work(int wait_ms)
{
	struct pollfd p = {.fd = script.loop_fd, .events = POLLIN};

	return poll(&p, 1, wait_ms) > 0;
}

static inline void
work(void)
{
	if (script.counting)
		relay_turn();
	else
		turn();
}

static inline void
let_finish(void)
{
	while (has_work(0))
		work();
}

/* Waits for something to do, and lets the relay do it all. */
static inline void
let_work(void)
{
	(void)has_work(PAUSE_MS);
	work();
	let_finish();
}

/* The relay works until condition holds and then as long as it finds something to do. */
#define LET_WORK_UNTIL(condition)                                                                                     \
	do {                                                                                                          \
		while (!(condition))                                                                                  \
			let_work();                                                                                   \
		let_finish();                                                                                         \
	} while (0)

static inline void
script_start(void)
{
	/* The loop's own epoll is the first descriptor that it opens: the lowest that is free. */
	script.loop_fd = dup(STDIN_FILENO);
	MUST(script.loop_fd >= 0);
	close(script.loop_fd);
	loop_start();
}

#endif
