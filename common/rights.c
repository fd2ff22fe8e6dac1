/* SPDX-License-Identifier: ISC */
/*
 * Giving rights up; see rights.h.
 */
#include "rights.h"

#include <errno.h>
#include <grp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Ends at the first number that this kernel does not know. */
int
rights_bound(uint64_t kept)
{
	int capability, held;

	for (capability = 0; (held = prctl(PR_CAPBSET_READ, capability, 0, 0, 0)) >= 0; capability++)
		if (held == 1 && (kept & RIGHT(capability)) == 0 && prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) < 0)
			return -1;
	return 0;
}

bool
rights_are_held(uint64_t wanted)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3];

	return syscall(SYS_capget, &header, sets) == 0 &&
	       (((uint64_t)sets[1].permitted << 32 | sets[0].permitted) & wanted) == wanted;
}

int
rights_reduce(uint64_t permitted, uint64_t effective)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3];
	size_t i;

	if (syscall(SYS_capget, &header, sets) < 0)
		return -1;
	for (i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) {
		sets[i].permitted &= (uint32_t)(permitted >> 32 * i);
		sets[i].inheritable &= (uint32_t)(permitted >> 32 * i);
		sets[i].effective &= (uint32_t)(effective >> 32 * i);
	}
	return syscall(SYS_capset, &header, sets) < 0 ? -1 : 0;
}

static int
change_identity(uid_t uid, gid_t gid)
{
	if (setgroups(0, NULL) < 0 || setresgid(gid, gid, gid) < 0 || setresuid(uid, uid, uid) < 0)
		return -1;
	/* It worked, and did not last. */
	if (uid != 0 && setuid(0) == 0) {
		errno = EPERM;
		return -1;
	}
	return 0;
}

const char *
rights_give_up(uid_t uid, gid_t gid)
{
	static const struct rlimit none = {0, 0};

	if (geteuid() == 0) {
		if (rights_bound(0) < 0)
			return "empty the capability bounding set";
		if (change_identity(uid, gid) < 0)
			return "become the configured user";
	}
	if (rights_reduce(0, 0) < 0)
		return "drop capabilities";
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return "set no_new_privs";
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return "forbid to be traced";
	if (setrlimit(RLIMIT_CORE, &none) < 0)
		return "give up core files";
	return NULL;
}
