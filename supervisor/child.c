/* SPDX-License-Identifier: ISC */
/*
 * Forking; see child.h.
 */
#include "child.h"

#include <bsd/unistd.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>

static pid_t parent; /* of a child */

static void
reset_signals(void)
{
	struct sigaction standard = {.sa_handler = SIG_DFL};
	sigset_t none;
	int number;

	for (number = 1; number < NSIG; number++)
		(void)sigaction(number, &standard, NULL); /* refused for the two that cannot be caught */
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Between fork and exec libevent's handler would write into the socket pair that
 * parent and child still share: so all signals wait until there is none. */
static pid_t
fork_quietly(void)
{
	sigset_t all, old;
	pid_t pid;
	int error;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &old);
	pid = fork();
	error = errno;
	if (pid != 0)
		sigprocmask(SIG_SETMASK, &old, NULL);
	errno = error;
	return pid;
}

static void
take_null(void)
{
	int fd = open("/dev/null", O_RDWR);

	if (fd < 0 || dup2(fd, STDIN_FILENO) < 0 || dup2(fd, STDOUT_FILENO) < 0)
		_exit(EXIT_FAILURE);
	if (fd > STDOUT_FILENO)
		close(fd);
}

pid_t
child_fork(int keep)
{
	pid_t pid, self = getpid();

	pid = fork_quietly();
	if (pid != 0)
		return pid;
	parent = self;
	reset_signals();
	setsid();
	/* A duplicate does not close at exec; what has the right number already must be told. */
	if (keep == CHILD_FD ? fcntl(keep, F_SETFD, 0) < 0 : dup2(keep, CHILD_FD) < 0)
		_exit(EXIT_FAILURE);
	closefrom(CHILD_FD + 1);
	take_null(); /* now that a descriptor is free for it, whatever the limit */
	return 0;
}

bool
child_is_orphan(void)
{
	return getppid() != parent;
}

void
child_follow_parent(int signal_number)
{
	if (prctl(PR_SET_PDEATHSIG, signal_number, 0, 0, 0) < 0 || child_is_orphan())
		_exit(EXIT_FAILURE);
}
