/* SPDX-License-Identifier: ISC */
/*
 * natterctl's way to natterd: one request, one answer (control.h).  Says what
 * went wrong.
 */
#ifndef NATTERCTL_ASK_H
#define NATTERCTL_ASK_H

#include <json-c/json.h>

/* natterctl's exit status. */
enum {
	NATTERCTL_OK = 0,
	NATTERCTL_REFUSED = 1,
	NATTERCTL_USAGE = 2,
	NATTERCTL_NO_DAEMON = 3,
};

/* An answer that needs no work is there long before. */
#define NATTERCTL_PATIENCE 10

/* Asks at the socket path for command, whose argument is the member key of the request (value;
 * NULL: there is none), and waits so many seconds at most.
 * Returns NATTERCTL_OK with *answer, an object that the caller puts, or another
 * status after printing why. */
int natterctl_ask(const char *path, const char *command, const char *key, const char *value, unsigned int seconds,
    struct json_object **answer);

/* The two halves of it.  Connects and asks; returns the descriptor from which the answer comes,
 * or -1 with errno. */
int natterctl_send_request(const char *path, const char *command, const char *key, const char *value,
    unsigned int seconds);
/* Returns NATTERCTL_OK, or NATTERCTL_REFUSED after printing what natterd said. */
int natterctl_check_answer(struct json_object *answer, const char *value);

/* Prints that nobody answers at path, error being an errno; also for an answer
 * that makes no sense (EPROTO).  Returns NATTERCTL_NO_DAEMON. */
int natterctl_fail(const char *path, int error);

#endif
