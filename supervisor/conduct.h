/* SPDX-License-Identifier: ISC */
/*
 * How a worker behaves, whatever it says: does it send without end, does it read, was it ever
 * heard of?  Nothing here is about what is in a record.
 */
#ifndef CONDUCT_H
#define CONDUCT_H

#include <stdbool.h>
#include <stdint.h>

#include "log.h"
#include "message.h"
#include "quota.h"

/* How often conduct_look looks, in seconds. */
#define CONDUCT_LOOK_SECONDS 5

struct conduct {
	struct quota records; /* but for those that have a count of their own */
	struct quota targets; /* wishes for connections to the target, of which each client may need one */
	struct quota logged;  /* log lines, whether they are let through or not */
	struct quota lines;   /* those of them that go into the log */
	int64_t began;        /* the worker, on the monotonic clock */
	int64_t asked;        /* when it was last sent something for no other reason than to see whether it reads */
	bool heard;           /* it said something of its mapping */
	uint64_t told;        /* records that were sent to it ... */
	uint64_t told_then;   /* ... until the last look, ... */
	bool behind;          /* ... at which it had something to read */
};

/* A worker was started; what its predecessor logged still counts. */
void conduct_begin(struct conduct *c);

/* It sent this.  Returns NULL, or in a few words what rule it broke. */
const char *conduct_take_record(struct conduct *c, const struct message *m);

/* A record is sent to it. */
void conduct_note_told(struct conduct *c);

/* May its next line of this level go into the log?  subject is said to have written more if not. */
bool conduct_may_log(struct conduct *c, enum log_level level, const char *subject);

/* Every few seconds, with the socket to it: the same as conduct_take_record.  *ask becomes whether
 * it should be sent something, since nothing else would show that it reads. */
const char *conduct_look(struct conduct *c, int fd, bool *ask);

#endif
