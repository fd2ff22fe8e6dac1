/* SPDX-License-Identifier: ISC */
/*
 * Natterd's capabilities, each with what it is for; see privileges.h.
 */
#include "privileges.h"

#include <errno.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "log.h"
#include "rights.h"

/* Ports below 1024; ports that another program has, large buffers, congestion control; interfaces. */
#define FOR_SOCKETS (RIGHT(CAP_NET_BIND_SERVICE) | RIGHT(CAP_NET_ADMIN) | RIGHT(CAP_NET_RAW))
/* Children as another user without any capability, and their end. */
#define FOR_CHILDREN (RIGHT(CAP_SETUID) | RIGHT(CAP_SETGID) | RIGHT(CAP_SETPCAP) | RIGHT(CAP_KILL))
/* Which program has a port. */
#define FOR_OWNERS RIGHT(CAP_SYS_PTRACE)
/* The way to the worker's program through somebody's home. */
#define FOR_READING RIGHT(CAP_DAC_READ_SEARCH)
/* A natter.cfg, status or log file of somebody else, where natterd is told to; a hook's output, which
 * becomes its user's. */
#define FOR_FILES (RIGHT(CAP_DAC_OVERRIDE) | RIGHT(CAP_CHOWN))

/* What a worker takes for its first steps: its empty root, its limit of descriptors. */
#define WORKERS (RIGHT(CAP_SYS_CHROOT) | RIGHT(CAP_SYS_RESOURCE))
/* What a script of root may need to tell an address to files, accounts, firewalls and namespaces.  Not to be had: the
 * kernel's modules and tracing, devices, the clock, reboots, security modules. */
#define HOOKS                                                                                                         \
	(RIGHT(CAP_DAC_READ_SEARCH) | RIGHT(CAP_FOWNER) | RIGHT(CAP_FSETID) | RIGHT(CAP_SYS_ADMIN) |                  \
	    RIGHT(CAP_SYS_NICE) | RIGHT(CAP_IPC_LOCK) | RIGHT(CAP_AUDIT_WRITE))

/* Root in a container may have less than workers need to become somebody else. */
static int
check_needed(void)
{
	if (!rights_are_held(RIGHT(CAP_SETUID) | RIGHT(CAP_SETGID) | RIGHT(CAP_SETPCAP))) {
		log_error("natterd: no worker can be started by root without CAP_SETUID, CAP_SETGID and CAP_SETPCAP: let the "
			  "container or service manager give natterd these, or start it as another user");
		return -1;
	}
	if (!rights_are_held(RIGHT(CAP_KILL)))
		log_warning("natterd: without CAP_KILL, workers that hang and hooks of other users that take too long are "
		            "not ended");
	return 0;
}

int
privileges_reduce(bool runs_hooks)
{
	uint64_t own = FOR_SOCKETS | FOR_CHILDREN | FOR_OWNERS | (runs_hooks ? FOR_FILES : FOR_READING);
	uint64_t all = own | WORKERS | (runs_hooks ? HOOKS : 0);

	if (!runs_hooks && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		log_debug("natterd: cannot set no_new_privs: %s", strerror(errno));
	if (geteuid() == 0 && check_needed() < 0)
		return -1;
	if ((geteuid() == 0 && rights_bound(all) < 0) ||
	    rights_reduce(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? all : own, own) < 0) {
		log_error("natterd: cannot drop capabilities: %s", strerror(errno));
		return -1;
	}
	return 0;
}
