/* SPDX-License-Identifier: ISC */
/*
 * Dropping privileges; see sandbox.h.
 */
#include "sandbox.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "confinement.h"
#include "descriptors.h"
#include "fence.h"
#include "filter.h"
#include "log.h"
#include "message.h"
#include "paths.h"
#include "rights.h"

/* In a directory that is removed nothing can be made any more, by nobody. */
static bool
become_rootless(const char *parent)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/natter.XXXXXX", parent);
	if (mkdtemp(path) == NULL)
		return false;
	if (chdir(path) == 0 && rmdir(path) == 0 && chroot(".") == 0 && chdir("/") == 0)
		return true;
	log_debug("keeps its root directory: %s", strerror(errno));
	(void)rmdir(path);
	return false;
}

static uint32_t
leave_files(void)
{
	static const char *const parents[] = {RUNDIR, "/run", "/tmp"};
	size_t i;

	for (i = 0; i < sizeof(parents) / sizeof(parents[0]); i++)
		if (become_rootless(parents[i]))
			return CONFINED_ROOT;
	return 0;
}

/* After setresuid, which clears it.  A supervisor that died before sends no signal any more: whoever made
 * the socket to it is not the parent then. */
static void
die_with_supervisor(void)
{
	struct ucred maker = {0};
	socklen_t length = sizeof(maker);

	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		fatal("cannot ask for a signal at the supervisor's death: %s", strerror(errno));
	if (getsockopt(MESSAGE_WORKER_FD, SOL_SOCKET, SO_PEERCRED, &maker, &length) < 0)
		fatal("cannot find out who the supervisor is: %s", strerror(errno));
	if (getppid() != maker.pid)
		exit(EXIT_SUCCESS);
}

static void
limit(int resource, const char *what)
{
	static const struct rlimit none = {0, 0};

	if (setrlimit(resource, &none) < 0)
		fatal("cannot give up %s: %s", what, strerror(errno));
}

/* What it connects to by itself over TCP; all else is natterd's to connect. */
static uint16_t
target_port(const struct mapping *mapping)
{
	return mapping->task == TASK_HOLD && mapping->protocol == PROTOCOL_TCP ? addr_port(&mapping->target) : 0;
}

/* The kernel's own walls, the last of which ends whoever tries one. */
static uint32_t
raise_walls(const struct mapping *mapping)
{
	uint32_t held = fence_raise(target_port(mapping));

	if (held == 0)
		log_debug("runs without Landlock: %s", strerror(errno));
	if (filter_calls() == 0)
		held |= CONFINED_CALLS;
	else
		log_debug("runs without a filter of system calls: %s", strerror(errno));
	return held;
}

uint32_t
sandbox_enter(const struct mapping *mapping)
{
	uint32_t held = 0;
	const char *failed;

	descriptors_raise(mapping);
	if (geteuid() == 0 && confinement_is_possible())
		held |= leave_files();
	failed = rights_give_up(mapping->uid, mapping->gid);
	if (failed != NULL)
		fatal("cannot %s (user %u, group %u): %s", failed, mapping->uid, mapping->gid, strerror(errno));
	die_with_supervisor();
	if (!confinement_is_possible())
		return held;
	limit(RLIMIT_NPROC, "processes");
	limit(RLIMIT_FSIZE, "files");
	return held | raise_walls(mapping);
}
