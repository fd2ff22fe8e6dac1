/* SPDX-License-Identifier: ISC */
/*
 * The background; see daemon.h.
 */
#include "daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"

static struct {
	int ready_fd; /* the parent waits at the other end; -1: there is none */
} process = {.ready_fd = -1};

void
daemon_start(void)
{
	int ends[2];
	char ready;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0 || (pid = fork()) < 0)
		fatal("natterd: cannot go into the background: %s", strerror(errno));
	close(ends[pid == 0 ? 0 : 1]);
	if (pid > 0) {
		/* Without a word the child has ended, after saying why. */
		_exit(read(ends[0], &ready, 1) == 1 ? EXIT_SUCCESS : EXIT_FAILURE);
	}
	setsid();
	/* Keep no file system from being unmounted; every path is absolute by now. */
	if (chdir("/") < 0)
		fatal("natterd: cannot go to /: %s", strerror(errno));
	process.ready_fd = ends[1];
}

void
daemon_leave_terminal(void)
{
	int null, i;

	if (process.ready_fd < 0)
		return;
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	for (i = STDIN_FILENO; null >= 0 && i <= STDERR_FILENO; i++)
		dup2(null, i);
	if (null > STDERR_FILENO)
		close(null);
}

void
daemon_ready(void)
{
	if (process.ready_fd < 0)
		return;
	/* The parent may have been killed; that is no reason to end. */
	if (write(process.ready_fd, "", 1) < 0)
		log_debug("natterd: nobody waited for the start");
	close(process.ready_fd);
	process.ready_fd = -1;
}
