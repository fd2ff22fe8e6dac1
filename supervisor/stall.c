/* SPDX-License-Identifier: ISC */
/*
 * An alarm that ends a wait; see stall.h.
 */
#include "stall.h"

#include <signal.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

/* Older headers don't have it. */
#ifndef SO_PASSRIGHTS
#define SO_PASSRIGHTS 83
#endif

#define MOMENT_US 50000

static void
on_alarm(int number)
{
	(void)number; /* that it came is all */
}

/* Without SA_RESTART. */
static void
catch_alarm(void)
{
	static const struct sigaction action = {.sa_handler = on_alarm};
	static bool caught;

	if (!caught)
		caught = sigaction(SIGALRM, &action, NULL) == 0;
}

/* Again and again, since one that comes before the wait ends nothing. */
void
stall_begin(void)
{
	static const struct itimerval often = {{.tv_usec = MOMENT_US}, {.tv_usec = MOMENT_US}};

	catch_alarm();
	(void)setitimer(ITIMER_REAL, &often, NULL);
}

void
stall_end(void)
{
	static const struct itimerval never;

	(void)setitimer(ITIMER_REAL, &never, NULL);
}

/* Whoever still has the socket may ask for a wait again. */
static void
refuse_to_wait(int fd)
{
	static const struct linger reset = {.l_onoff = 1};
	struct linger wish;
	socklen_t length = sizeof(wish);

	if (getsockopt(fd, SOL_SOCKET, SO_LINGER, &wish, &length) == 0 && wish.l_onoff != 0 && wish.l_linger > 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
}

void
stall_close(int fd)
{
	refuse_to_wait(fd);
	stall_begin();
	close(fd);
	stall_end();
}

void
stall_refuse_descriptors(int fd)
{
	int off = 0;

	(void)setsockopt(fd, SOL_SOCKET, SO_PASSRIGHTS, &off, sizeof(off));
}
