/* SPDX-License-Identifier: ISC */
/*
 * Dropping privileges; see sandbox.h.
 */
#include "sandbox.h"

#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "confinement.h"
#include "descriptors.h"
#include "filter.h"
#include "log.h"
#include "paths.h"

/* Ends at the first capability number that this kernel does not know. */
static void
drop_bounding_set(void)
{
	int cap;

	for (cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0)
			fatal("cannot drop capability %d from the bounding set: %s", cap, strerror(errno));
}

static void
drop_identity(uid_t uid, gid_t gid)
{
	if (setgroups(0, NULL) < 0 || setresgid(gid, gid, gid) < 0 || setresuid(uid, uid, uid) < 0)
		fatal("cannot become user %u, group %u: %s", uid, gid, strerror(errno));
	if (uid != 0 && setuid(0) == 0)
		fatal("became user %u but could still return to root", uid);
}

static void
drop_capabilities(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {0};

	if (syscall(SYS_capset, &header, none) < 0)
		fatal("cannot drop capabilities: %s", strerror(errno));
	/* Old kernels have no ambient set, and so nothing in it. */
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0 && errno != EINVAL)
		fatal("cannot drop ambient capabilities: %s", strerror(errno));
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		fatal("cannot set no_new_privs: %s", strerror(errno));
}

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

static void
limit(int resource, const char *what)
{
	static const struct rlimit none = {0, 0};

	if (setrlimit(resource, &none) < 0)
		fatal("cannot give up %s: %s", what, strerror(errno));
}

/* The kernel's own walls, the last of which ends whoever tries one. */
static uint32_t
raise_walls(void)
{
	uint32_t held = 0;

	if (filter_files() == 0)
		held |= CONFINED_FILES;
	else
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
	bool root = geteuid() == 0;

	descriptors_raise(mapping);
	if (root) {
		if (confinement_is_possible())
			held |= leave_files();
		drop_bounding_set();
		drop_identity(mapping->uid, mapping->gid);
	}
	drop_capabilities();
	/* After setresuid, which clears it; a parent that died before is noticed as
	 * end of file on the socket. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		fatal("cannot ask for a signal at the supervisor's death: %s", strerror(errno));
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		fatal("cannot forbid to be traced: %s", strerror(errno));
	limit(RLIMIT_CORE, "core files");
	if (!confinement_is_possible())
		return held;
	limit(RLIMIT_NPROC, "processes");
	limit(RLIMIT_FSIZE, "files");
	return held | raise_walls();
}
