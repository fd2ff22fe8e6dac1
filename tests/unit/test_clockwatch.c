/* SPDX-License-Identifier: ISC */
/*
 * clockwatch.c with a stand-in for the kernel's timer: a real one ends early only for
 * who sets the machine's clock, and that would make every other natterd of the
 * machine look again.
 * NEEDS: supervisor/clockwatch supervisor/service_times
 */
#include "clockwatch.h"

#include <errno.h>
#include <netinet/in.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>

#include "supervisor.h"

static struct {
	int fd;      /* what timerfd_create returns */
	int armed;   /* times that it was set */
	int cancels; /* of the next times, that the clock was set meanwhile */
	int error;   /* of timerfd_settime */
} timer;

int
timerfd_create(clockid_t clock, int flags)
{
	CHECK(clock == CLOCK_REALTIME && flags == (TFD_CLOEXEC | TFD_NONBLOCK));
	return timer.fd;
}

int
timerfd_settime(int fd, int flags, const struct itimerspec *new, struct itimerspec *old)
{
	CHECK(fd == timer.fd && flags == (TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET) && old == NULL);
	CHECK(new->it_value.tv_sec > time(NULL) + 86400 && new->it_interval.tv_sec == 0);
	timer.armed++;
	errno = timer.cancels > 0 ? ECANCELED : timer.error;
	timer.cancels -= timer.cancels > 0;
	return errno != 0 ? -1 : 0;
}

static int64_t set_by; /* seconds, by which the wall clock differs from the machine's */
static int64_t slept;  /* and the time since the start */

int
clock_gettime(clockid_t clock, struct timespec *now)
{
	int result = (int)syscall(SYS_clock_gettime, clock, now);

	if (clock == CLOCK_REALTIME)
		now->tv_sec += set_by + slept;
	else if (clock == CLOCK_BOOTTIME)
		now->tv_sec += slept;
	return result;
}

static int jumps;
static int64_t shift; /* of the last one */

static void
on_jump(int64_t seconds)
{
	jumps++;
	shift = seconds;
}

static void
check_quiet(void)
{
	double later = seconds() + 0.1;

	RUN_UNTIL(seconds() > later);
	CHECK(jumps == 0);
}

/* The timer ends: the clock was set beyond it. */
static void
test_jumps(void)
{
	uint64_t one = 1;

	timer.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	CHECK(clockwatch_open(base, on_jump) == 0);
	CHECK(timer.armed == 1);
	check_quiet();
	CHECK(write(timer.fd, &one, sizeof(one)) == sizeof(one));
	RUN_UNTIL(jumps > 0);
	CHECK(jumps == 1 && timer.armed == 2);
	timer.cancels = 2; /* and twice while it is armed again */
	CHECK(write(timer.fd, &one, sizeof(one)) == sizeof(one));
	RUN_UNTIL(jumps > 1);
	CHECK(jumps == 2 && timer.armed == 5);
	jumps = 0;
	check_quiet();
	clockwatch_close();
	CHECK(write(timer.fd, &one, sizeof(one)) < 0 && errno == EBADF);
	clockwatch_close();
}

static void
jump(void)
{
	uint64_t one = 1;
	int before = jumps;

	CHECK(write(timer.fd, &one, sizeof(one)) == sizeof(one));
	RUN_UNTIL(jumps > before);
}

/* How far the clock was set, which it was not for a machine that slept. */
static void
test_how_far(void)
{
	timer.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	CHECK(clockwatch_open(base, on_jump) == 0);
	set_by = 3 * 86400;
	jump();
	CHECK(shift == 3 * 86400);
	slept = 7200;
	jump();
	CHECK(shift == 0);
	set_by = -86400;
	jump();
	CHECK(shift == -4 * 86400);
	clockwatch_close();
	set_by = slept = 0;
	jumps = 0;
}

/* What began a minute ago began a minute ago, whatever the clock said then. */
static void
test_times_of_mappings(void)
{
	struct service s;

	fill_service(&s, "web", PROTOCOL_TCP, "", "203.0.113.7:40123");
	TAILQ_INSERT_TAIL(&table, &s, entry);
	services_shift_times(86400);
	CHECK(s.report.since == 1700086400 && s.state_since == 1700086401 && s.takeover.latest.since == 0);
	services_shift_times(-2 * 86400);
	CHECK(s.report.since == 1699913600);
	/* A router without a clock of its own begins in 1970. */
	s.report.since = s.state_since = 60;
	services_shift_times(-120);
	CHECK(s.report.since == 1 && s.state_since == 1);
	TAILQ_REMOVE(&table, &s, entry);
}

/* What is read is an error, as ECANCELED is: here the refusal of a datagram. */
static void
test_error_is_a_jump(void)
{
	struct sockaddr_in nobody = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(9)};

	timer.fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	CHECK(connect(timer.fd, (struct sockaddr *)&nobody, sizeof(nobody)) == 0);
	timer.armed = 0;
	CHECK(clockwatch_open(base, on_jump) == 0);
	CHECK(send(timer.fd, "x", 1, 0) == 1);
	RUN_UNTIL(jumps > 0);
	CHECK(jumps == 1 && timer.armed == 2);
	clockwatch_close();
}

static void
test_failures(void)
{
	timer.fd = -1;
	errno = EMFILE;
	CHECK(clockwatch_open(base, on_jump) == -1 && errno == EMFILE);
	timer.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	timer.error = EINVAL;
	CHECK(clockwatch_open(base, on_jump) == -1 && errno == EINVAL);
	CHECK(close(timer.fd) < 0);
}

int
main(void)
{
	loop_open();
	test_jumps();
	test_how_far();
	test_times_of_mappings();
	test_error_is_a_jump();
	test_failures();
	return check_done();
}
