/* SPDX-License-Identifier: ISC */
/*
 * What keeps a worker from doing harm beyond its rights as an unprivileged user, and
 * that not every kernel, container or user can have.
 */
#ifndef CONFINEMENT_H
#define CONFINEMENT_H

#include <stdbool.h>
#include <stdint.h>

enum confinement {
	CONFINED_ROOT = 1 << 0,     /* its root directory is an empty one that is already removed */
	CONFINED_FILES = 1 << 1,    /* Landlock: no file */
	CONFINED_PORTS = 1 << 2,    /* Landlock: over TCP it connects to its target's port alone */
	CONFINED_CALLS = 1 << 3,    /* seccomp: no system call but those that it needs */
	CONFINED_ALL = (1 << 4) - 1,
};

/* Not under a sanitizer, which reads files and makes processes itself. */
static inline bool
confinement_is_possible(void)
{
#ifdef __SANITIZE_ADDRESS__
	return false;
#else
	return true;
#endif
}

/* "chroot, landlock, landlock-tcp, seccomp"; "none" of nothing. */
#define CONFINEMENT_TEXT_SIZE 48
const char *confinement_text(uint32_t held, char buf[CONFINEMENT_TEXT_SIZE]);

#endif
