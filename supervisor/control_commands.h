/* SPDX-License-Identifier: ISC */
/*
 * What the clients of the control socket may ask for, and the answers; control.h has
 * the protocol, control_client.c the clients.
 */
#ifndef CONTROL_COMMANDS_H
#define CONTROL_COMMANDS_H

#include <event2/event.h>
#include <json-c/json.h>
#include <stdbool.h>
#include <sys/types.h>

#include "config.h"

/* Called with the result of a NAT check, for every client that waits for one. */
typedef void control_checked(struct json_object *answer);

/* Makes NAT checks possible; config must live until one of the next two is called. */
void control_commands_open(struct event_base *base, const struct config *config, control_checked *checked);
/* The same with another configuration; a check that runs goes on.  Returns whether there is one. */
bool control_commands_use(const struct config *config);
/* Ends a check that runs. */
void control_commands_close(void);

/* What becomes of the client that sent a request. */
enum control_next {
	CONTROL_ANSWERED, /* it gets the answer */
	CONTROL_CHECKS,   /* it has to wait for a check */
	CONTROL_WATCHES,  /* it gets the answer, and then news of the mapping "name", or of all (control_watch.h) */
};

/* Answers the command name of request, of a client with the effective user uid, in answer,
 * which says "ok" already. */
enum control_next control_commands_answer(struct json_object *request, const char *name, uid_t uid,
    struct json_object *answer);

/* The answer to what cannot be answered otherwise. */
void control_commands_refuse(struct json_object *answer, const char *error);

#endif
