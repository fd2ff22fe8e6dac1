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
	clockwatch_jumped *jumped;
	int64_t boot; /* when the clock says that the machine started, in milliseconds */
} clockwatch = {.fd = -1};

static int64_t
milliseconds(clockid_t clock)
{
	struct timespec now = {0};

	(void)clock_gettime(clock, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* A suspended machine's clock goes on, and is right; one that was set gives the machine another start. */
static int64_t
boot_time(void)
{
	return milliseconds(CLOCK_REALTIME) - milliseconds(CLOCK_BOOTTIME);
}

/* Since it was asked last, to the nearest second: a clock that is only a little fast is none that jumped, and
 * the two clocks are not read at the same moment. */
static int64_t
take_shift(void)
{
	int64_t by = boot_time() - clockwatch.boot, seconds = (by + (by < 0 ? -500 : 500)) / 1000;

	clockwatch.boot += seconds * 1000;
	return seconds;
}

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
	clockwatch.jumped(take_shift());
}

int
clockwatch_open(struct event_base *base, clockwatch_jumped *jumped)
{
	clockwatch.jumped = jumped;
	clockwatch.boot = boot_time();
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
