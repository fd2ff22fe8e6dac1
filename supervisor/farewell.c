/* SPDX-License-Identifier: ISC */
/*
 * Workers on their way out; see farewell.h.
 */
#include "farewell.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/queue.h>

#include "alloc.h"
#include "log.h"

static const struct timeval patience = {.tv_usec = 500000};

struct farewell {
	LIST_ENTRY(farewell) entry;
	pid_t pid;
	struct event *timer;
};

static LIST_HEAD(, farewell) farewells = LIST_HEAD_INITIALIZER(farewells);

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	const struct farewell *f = arg;

	(void)fd;
	(void)what;
	kill(f->pid, SIGKILL);
}

void
farewell_begin(struct event_base *base, pid_t pid)
{
	struct farewell *f = alloc_zero(sizeof(*f));

	f->pid = pid;
	f->timer = event_new(base, -1, 0, on_timer, f);
	if (f->timer == NULL || event_add(f->timer, &patience) < 0)
		fatal("natterd: out of memory");
	LIST_INSERT_HEAD(&farewells, f, entry);
}

static void
forget(struct farewell *f)
{
	LIST_REMOVE(f, entry);
	event_free(f->timer);
	free(f);
}

bool
farewell_reaped(pid_t pid)
{
	struct farewell *f;

	LIST_FOREACH(f, &farewells, entry)
		if (f->pid == pid)
			break;
	if (f == NULL)
		return false;
	forget(f);
	return true;
}

void
farewell_end_all(void)
{
	struct farewell *f;

	while ((f = LIST_FIRST(&farewells)) != NULL) {
		kill(f->pid, SIGKILL); /* NOLINT(clang-analyzer-unix.Malloc): forget takes it off the list */
		forget(f);
	}
}
