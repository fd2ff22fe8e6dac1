/* SPDX-License-Identifier: ISC */
/*
 * A hook's guard; see hook_guard.h.
 */
#include "hook_guard.h"

#include <bsd/unistd.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "child.h"
#include "rights.h"

/* What the kernel sends when natterd dies. */
#define SIGNAL_OF_DEATH SIGUSR2
/* From SIGTERM to SIGKILL. */
#define GRACE_SECONDS 1

static void
end_by_signal(int number)
{
	static const struct rlimit none = {0, 0};
	sigset_t one;

	setrlimit(RLIMIT_CORE, &none);
	sigemptyset(&one);
	sigaddset(&one, number);
	raise(number);
	sigprocmask(SIG_UNBLOCK, &one, NULL);
}

static void __attribute__((noreturn))
end_as(int wait_status)
{
	if (WIFSIGNALED(wait_status))
		end_by_signal(WTERMSIG(wait_status));
	_exit(WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : EXIT_FAILURE);
}

/* Also after its stop and its going on. */
static void
end_with(pid_t shell)
{
	int wait_status;

	if (waitpid(shell, &wait_status, WNOHANG) == shell)
		end_as(wait_status);
}

/* The shell may tidy up, what it leaves of its group may not. */
static void
end_group(pid_t shell)
{
	const struct timespec grace = {.tv_sec = GRACE_SECONDS};
	sigset_t child_ended;

	sigemptyset(&child_ended);
	sigaddset(&child_ended, SIGCHLD);
	kill(0, SIGTERM);
	while (waitpid(shell, NULL, WNOHANG) == 0 && sigtimedwait(&child_ended, NULL, &grace) > 0)
		;
	kill(0, SIGKILL);
}

static void __attribute__((noreturn))
guard(pid_t shell, const sigset_t *all)
{
	int number;

	closefrom(0);
	prctl(PR_SET_NAME, "natterd-hook");
	if (rights_reduce(RIGHT(CAP_KILL), RIGHT(CAP_KILL)) < 0)
		end_group(shell);
	for (;;) {
		if (child_is_orphan())
			end_group(shell);
		end_with(shell);
		(void)sigwait(all, &number);
	}
}

void
hook_guard(void)
{
	sigset_t all, old;
	pid_t shell;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &old);
	child_follow_parent(SIGNAL_OF_DEATH);
	shell = fork();
	if (shell < 0) {
		dprintf(CHILD_FD, "cannot be started: %s\n", strerror(errno));
		_exit(126);
	}
	if (shell > 0)
		guard(shell, &all);
	sigprocmask(SIG_SETMASK, &old, NULL);
}
