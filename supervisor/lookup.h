/* SPDX-License-Identifier: ISC */
/*
 * One name looked up in a short-lived child, which writes what it found in one
 * write to a pipe that many of them may share.  What a child parsed was a
 * stranger's: lookup_read checks it.
 */
#ifndef LOOKUP_H
#define LOOKUP_H

#include <stdint.h>
#include <sys/types.h>

#include "addr.h"

#define LOOKUP_ADDRESSES_MAX 8

struct lookup_answer {
	uint32_t id;    /* of the name, as the asker calls it */
	uint32_t count; /* 0: the name could not be resolved */
	int32_t error;  /* getaddrinfo's, if count is 0 */
	struct addr addresses[LOOKUP_ADDRESSES_MAX]; /* at most half of each family; port 0 */
};

/* Starts a child that asks the system's resolver for host, as user uid and group gid
 * if this is root, without any right beyond these, and writes its answer to pipe.  Returns its pid, or -1 with
 * errno.  One that hangs ends after a minute without an answer, and every one with natterd. */
pid_t lookup_start(const char *host, uint32_t id, int pipe, uid_t uid, gid_t gid);

/* Reads an answer from a non-blocking pipe.  Returns 1; 0 if there is none; or -1 if
 * it was malformed and is to be ignored. */
int lookup_read(int pipe, struct lookup_answer *out);

#endif
