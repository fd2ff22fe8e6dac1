/* SPDX-License-Identifier: ISC */
/*
 * A timer that is not meant to end: the kernel cancels it when the clock is set
 * (timerfd_create(2), TFD_TIMER_CANCEL_ON_SET), which it also does on resume, since
 * the wall clock has then gone on without the monotonic one.  See clockwatch.h.
 */
#include "clockwatch.h"

#include <errno.h>
#include <stdint.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

/* Within a 32-bit time_t. */
#define FAR_AWAY (365 * 86400)

static struct {
	int fd;
	struct event *readable;
	void (*jumped)(void);
} clockwatch = {.fd = -1};

/* Starts anew if the clock is set right then. */
static int
arm(void)
{
	struct itimerspec end = {0};
	int result;

	do {
		end.it_value.tv_sec = time(NULL) + FAR_AWAY;
		result = timerfd_settime(clockwatch.fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &end, NULL);
	} while (result < 0 && errno == ECANCELED);
	return result;
}

/* ECANCELED is the jump; so is the end of the timer, if the clock was set that far. */
static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	uint64_t expirations;

	(void)what;
	(void)arg;
	if (read(fd, &expirations, sizeof(expirations)) < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	(void)arm();
	clockwatch.jumped();
}

int
clockwatch_open(struct event_base *base, void (*jumped)(void))
{
	clockwatch.jumped = jumped;
	clockwatch.fd = timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK);
	if (clockwatch.fd < 0)
		return -1;
	clockwatch.readable = event_new(base, clockwatch.fd, EV_READ | EV_PERSIST, on_readable, NULL);
	if (clockwatch.readable != NULL && arm() == 0 && event_add(clockwatch.readable, NULL) == 0)
		return 0;
	clockwatch_close();
	return -1;
}

void
clockwatch_close(void)
{
	if (clockwatch.readable != NULL)
		event_free(clockwatch.readable);
	if (clockwatch.fd >= 0)
		close(clockwatch.fd);
	clockwatch.readable = NULL;
	clockwatch.fd = -1;
}
