/* SPDX-License-Identifier: ISC */
/*
 * A NAT check from the supervisor's side: one worker for UDP and one for TCP,
 * side by side, each of which sends one struct nat_report up.
 */
#ifndef CHECKNAT_H
#define CHECKNAT_H

#include <event2/event.h>
#include <stdbool.h>

#include "config.h"
#include "nat.h"

struct checknat_part {
	struct nat_report report;
	bool reported;     /* false: the worker could not do its work, as error says */
	uint32_t known;    /* addresses of its STUN servers */
	uint32_t usable;   /* of these, of the IP version that was checked */
	bool fake_address; /* one of these is of a kind that only a proxy's name service gives */
};

struct checknat_result {
	struct checknat_part parts[2]; /* by enum protocol */
	bool ipv6;                     /* what was checked */
	bool same_host; /* a server that answered over TCP was asked over UDP too */
};

struct checknat;

/* *result is valid during the call; the handler frees the check. */
typedef void checknat_done(void *context, const struct checknat_result *result);

/* Begins a check with config's global STUN servers from the address and port bind,
 * whose port 0 leaves the choice to natterd.  The resolver must be open.  Takes a few
 * seconds, and at most a minute.  Returns NULL after logging why not. */
struct checknat *checknat_start(struct event_base *base, const struct config *config, const struct addr *bind,
    checknat_done *done, void *context);
/* Ends its workers too. */
void checknat_free(struct checknat *check);

#endif
