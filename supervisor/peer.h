/* SPDX-License-Identifier: ISC */
/*
 * A worker as its supervisor sees it: a process, the socket to it, and what
 * comes up from it.  Sockets and log lines are dealt with here; everything else
 * is the owner's.  What a worker sends is gossip from a process that a stranger
 * may have taken over: whatever breaks the rules of message.h costs that worker
 * its life and nothing else.
 */
#ifndef PEER_H
#define PEER_H

#include <event2/event.h>
#include <stdbool.h>
#include <sys/queue.h>
#include <sys/types.h>

#include "callees.h"
#include "conduct.h"
#include "held.h"
#include "interface.h"
#include "message.h"

struct peer_handlers {
	/* A message of another kind.  Returns NULL, or in a few words what rule the
	 * worker broke ("sent a malformed report"): it is ended then. */
	const char *(*on_message)(void *context, const struct message *m);
	/* A socket on the mapped port was made (0), or not for this errno.  It may end the worker.
	 * NULL: nobody wants to know. */
	void (*on_socket)(void *context, int error);
	/* The worker is gone and reaped, for the reason in plain words. */
	void (*on_ended)(void *context, const char *why);
};

struct peer {
	LIST_ENTRY(peer) entry;
	const struct mapping *mapping;
	const struct peer_handlers *handlers;
	void *context;
	struct held *held;       /* which sockets outlive the worker; NULL: none do */
	struct interface *interface; /* where they are bound if the address is gone; NULL: nowhere */
	pid_t pid;               /* 0: no worker now */
	int fd;                  /* the socket to it, or -1 */
	struct event *readable;
	struct conduct conduct;
	bool watches;            /* its duty, as it was last told */
	const char *offence;     /* what rule it broke; NULL: none.  Still there when on_ended is called */
	struct callees callees; /* whom its sockets may be connected to */
};

/* Makes *p ready; there is no worker yet, and nothing held.  What is given must outlive it. */
void peer_init(struct peer *p, const struct mapping *mapping, const struct peer_handlers *handlers, void *context);

/* Starts a worker, which p must not have, and sends it the mapping and the
 * servers.  Returns 0, or -1 with errno. */
int peer_start(struct peer *p, struct event_base *base, const struct servers *servers);

/* The socket closes, and so the worker leaves; on_ended follows. */
void peer_end(struct peer *p);
/* The same for one that has had its time: it is killed. */
void peer_kill(struct peer *p);

/* The same for one that broke a rule, which why says in a few words; it must stay valid. */
void peer_refuse(struct peer *p, const char *why);

/* Its worker, if there is one, is killed, and its end is nobody's news. */
void peer_forget(struct peer *p);

/* The same, but it may leave by itself, so that its connections end as they should. */
void peer_dismiss(struct peer *p);

/* These do nothing if there is no worker. */
/* *mapping is another one, but for its protocol, task, bind address and identity. */
void peer_send_mapping(struct peer *p);
void peer_send_servers(struct peer *p, const struct servers *servers);
void peer_look_again(struct peer *p, enum again_reason reason);
void peer_send_duty(struct peer *p, bool watch);

/* spawn.c: a child ended.  True if it was a worker. */
bool peers_reaped(pid_t pid, int wait_status);

/* Visits every one that has a worker; none may be removed meanwhile. */
void peers_each(void (*visit)(struct peer *p));

/* Ends every worker within half a second, killing those that hang. */
void peers_stop(void);

#endif
