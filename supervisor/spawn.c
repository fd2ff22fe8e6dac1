/* SPDX-License-Identifier: ISC */
/*
 * Child processes; see spawn.h.
 */
#include "spawn.h"

#include <bsd/string.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child.h"
#include "confinement.h"
#include "farewell.h"
#include "hook.h"
#include "log.h"
#include "message.h"
#include "paths.h"
#include "peer.h"
#include "resolve.h"
#include "stall.h"

/* Also the room in which the worker writes its title over its arguments. */
#define WORKER_ARGUMENT                                                                                               \
	"started by natterd, which tells it over descriptor 3 what to do; it is of no use from a command line. "      \
	"Its title becomes its mapping's name, address and state."

_Static_assert(CHILD_FD == MESSAGE_WORKER_FD, "the descriptor that a worker keeps is its supervisor's socket");

static struct {
	char worker_path[PATH_MAX];
	struct event *child_ended;
} spawn;

static void
on_child_ended(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	spawn_reap();
}

/* A freshly built natterd runs with the worker built with it. */
static int
find_worker(void)
{
	char self[PATH_MAX];
	char *slash;
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (n > 0) {
		self[n] = '\0';
		slash = strrchr(self, '/');
		if (slash != NULL)
			*slash = '\0';
		if (snprintf(spawn.worker_path, PATH_MAX, "%s/natter-worker", self) < PATH_MAX &&
		    access(spawn.worker_path, X_OK) == 0)
			return 0;
	}
	strlcpy(spawn.worker_path, LIBEXECDIR "/natter-worker", PATH_MAX);
	if (access(spawn.worker_path, X_OK) == 0)
		return 0;
	log_error("natterd: there is no natter-worker, neither beside natterd nor at %s: %s", spawn.worker_path,
	    strerror(errno));
	return -1;
}

int
spawn_open(struct event_base *base)
{
	if (find_worker() < 0)
		return -1;
	spawn.child_ended = evsignal_new(base, SIGCHLD, on_child_ended, NULL);
	if (spawn.child_ended == NULL || event_add(spawn.child_ended, NULL) < 0) {
		log_error("natterd: cannot watch for the end of children");
		return -1;
	}
	return 0;
}

void
spawn_close(void)
{
	if (spawn.child_ended != NULL)
		event_free(spawn.child_ended);
	spawn.child_ended = NULL;
}

/* Only what a library needs: hooks' secrets may stand in our environment. */
static char *const *
worker_environment(void)
{
	static const char *const names[] = {"TZ", "ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS"};
	static char texts[sizeof(names) / sizeof(names[0])][512];
	static char *environment[sizeof(names) / sizeof(names[0]) + 1];
	size_t i, n = 0;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const char *value = getenv(names[i]);

		if (value == NULL ||
		    snprintf(texts[n], sizeof(texts[n]), "%s=%s", names[i], value) >= (int)sizeof(texts[n]))
			continue;
		environment[n] = texts[n];
		n++;
	}
	environment[n] = NULL;
	return environment;
}

static void __attribute__((noreturn))
become_worker(void)
{
	char name[] = "natter-worker", argument[] = WORKER_ARGUMENT;
	char *const arguments[] = {name, argument, NULL};

	/* What it has to say goes through its socket; only a sanitizer has no other way. */
	if (confinement_is_possible())
		(void)dup2(STDOUT_FILENO, STDERR_FILENO);
	execve(spawn.worker_path, arguments, worker_environment());
	_exit(SPAWN_NO_EXEC);
}

pid_t
spawn_worker(int *fd)
{
	int pair[2], error;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -1;
	stall_refuse_descriptors(pair[0]);
	pid = child_fork(pair[1]);
	if (pid == 0)
		become_worker();
	error = errno;
	close(pair[1]);
	if (pid < 0) {
		close(pair[0]);
		errno = error;
		return -1;
	}
	/* Ours alone: the worker begins with a receive that waits. */
	fcntl(pair[0], F_SETFL, O_NONBLOCK);
	*fd = pair[0];
	return pid;
}

void
spawn_reap(void)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		if (!peers_reaped(pid, status) && !farewell_reaped(pid) && !hooks_reaped(pid, status))
			resolve_reaped(pid);
}
