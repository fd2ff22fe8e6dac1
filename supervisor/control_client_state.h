/* SPDX-License-Identifier: ISC */
/*
 * A client of the control socket, for control_client.c, which reads and answers, and
 * control_clients.c, which knows all of them.
 */
#ifndef CONTROL_CLIENT_STATE_H
#define CONTROL_CLIENT_STATE_H

#include <event2/buffer.h>
#include <event2/event.h>
#include <json-c/json.h>
#include <stdbool.h>
#include <sys/queue.h>
#include <sys/types.h>

struct client {
	LIST_ENTRY(client) entry;
	int fd;
	uid_t uid;               /* the effective one, at the time it connected */
	struct evbuffer *in;     /* what it sent and is not answered yet */
	struct evbuffer *out;    /* what it has not taken yet */
	struct event *readable;
	struct event *writable;  /* pending: there is something in out */
	struct event *deadline;  /* for a whole request, and then for reading the answer */
	struct control_watch *watch; /* NULL: it does not watch */
	bool waiting;   /* for the result of a check; what else it sent is read afterwards */
	bool dismissed; /* what else it sent is not read any more */
	bool ended;     /* it sends no more */
};

LIST_HEAD(clients, client);

/* Those that are served, the one that connected last first. */
extern struct clients control_clients;

/* It is shown out, whatever it still waits for. */
void control_client_free(struct client *c);
/* Adds a line to what it is to read, and its time for that begins. */
void control_client_send(struct client *c, struct json_object *answer);
/* If it watches and all that it was told is out. */
void control_client_tell_news(struct client *c);

/* control_clients.c: a client of this user wants a place; another one may have to leave. */
void control_clients_make_room(uid_t uid);
/* May one more of this user's clients wait for a check, or watch? */
bool control_clients_may_wait(uid_t uid);
bool control_clients_may_watch(uid_t uid);
/* c was given an answer: if too much is unread by now, others who do not read leave. */
void control_clients_limit_unread(const struct client *c);

#endif
