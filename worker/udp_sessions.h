/* SPDX-License-Identifier: ISC */
/*
 * The sessions of a UDP relay, one per client: found by the client's address, kept in
 * the order of their last use, ended when that is too long ago or, as long as the client may
 * be anybody, when another one needs the room.  Their sockets are waited for together, apart from the loop's other
 * descriptors, so that those with answers come in one go and an idle one costs little.
 */
#ifndef UDP_SESSIONS_H
#define UDP_SESSIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "expiry.h"
#include "relay.h"

/* What is known of the client behind the address that its datagrams come from. */
enum udp_client {
	UDP_CLIENT_NEW,
	UDP_CLIENT_ANSWERED,
	UDP_CLIENT_PROVED, /* has sent again after an answer: hardly anybody else sends in its name */
};

struct udp_session {
	struct expiry_item age;
	LIST_ENTRY(udp_session) neighbour;
	struct addr client;
	struct addr local; /* the one of our addresses that the client speaks to; unset: the kernel chooses */
	int fd;            /* connected to the target */
	/* The longest segments that may leave as one; see sendqueue.h. */
	uint16_t longest_to_target;
	uint16_t longest_to_client;
	uint16_t chain; /* see chains.h; 0: none */
	uint8_t standing; /* enum udp_client */
	bool busy;      /* its answers come several at a time: its socket may get them as one */
	uint32_t turn;  /* of the relay, in which it was last ready */
};

struct udp_sessions;

/* on_end is told of each session that ends, just before it does.  mapping and counters must
 * outlive it.  Returns NULL with errno. */
struct udp_sessions *udp_sessions_new(struct event_base *base, const struct mapping *mapping,
    struct relay_counters *counters, void (*on_end)(void *context, struct udp_session *s), void *context);
/* Ends them all.  t may be NULL. */
void udp_sessions_free(struct udp_sessions *t);

/* The mapping's settings are other ones: they apply from now on, but a session keeps its target, and those
 * above a limit stay. */
void udp_sessions_change(struct udp_sessions *t);

/* Whom it is connected to. */
struct addr udp_session_target(const struct udp_sessions *t, const struct udp_session *s);

bool udp_session_is_of(const struct udp_session *s, const struct addr *client);

/* NULL if the client has none. */
struct udp_session *udp_sessions_find(struct udp_sessions *t, const struct addr *client);
/* The client must have none.  Other sessions may have to end for it.  Its segments are up to
 * longest bytes.  Returns NULL with errno; 0: the client was refused, and that counted. */
struct udp_session *udp_sessions_start(struct udp_sessions *t, const struct addr *client, uint16_t longest, double now);
/* It was used just now: the client sent something, or got something from the target. */
void udp_sessions_note_datagram(struct udp_sessions *t, struct udp_session *s, double now);
void udp_sessions_note_answer(struct udp_sessions *t, struct udp_session *s, double now);
void udp_sessions_end(struct udp_sessions *t, struct udp_session *s);
/* Another socket for it, as this machine may have another address now.  Returns 0, or -1 with
 * errno: then it must end. */
int udp_sessions_reconnect(struct udp_sessions *t, struct udp_session *s);

/* A descriptor that is readable while any session's socket is readable or has an error. */
int udp_sessions_descriptor(const struct udp_sessions *t);
/* Those sessions, at most max of them.  Returns how many. */
int udp_sessions_ready(struct udp_sessions *t, struct udp_session **ready, int max);

#endif
