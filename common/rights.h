/* SPDX-License-Identifier: ISC */
/*
 * Giving rights up: what capabilities(7) calls the permitted, effective, inheritable,
 * ambient and bounding sets, and everything at once.  Nothing here gives any.
 */
#ifndef RIGHTS_H
#define RIGHTS_H

#include <linux/capability.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* A set has the bit of each capability. */
#define RIGHT(capability) ((uint64_t)1 << (capability))

/* Drops from the bounding set, which limits what a program that is executed gains, all but
 * kept.  Returns 0, or -1 with errno: EPERM without CAP_SETPCAP, if there is something to drop. */
int rights_bound(uint64_t kept);

/* Drops all but permitted from the permitted and inheritable set, and with them from the ambient one; all
 * but effective, which is a part of permitted, from the effective set.  Returns 0, or -1 with errno. */
int rights_reduce(uint64_t permitted, uint64_t effective);

/* Are all of these permitted? */
bool rights_are_held(uint64_t wanted);

/* As root: becomes the user and the group for good, without supplementary groups and bounding set.  In any
 * case: has no capability and can gain none (no_new_privs), cannot be traced and leaves no core.
 * Returns NULL, or what could not be done, with errno. */
const char *rights_give_up(uid_t uid, gid_t gid);

#endif
