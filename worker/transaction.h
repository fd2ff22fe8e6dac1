/* SPDX-License-Identifier: ISC */
/*
 * One STUN transaction over UDP (RFC 8489, 6.2.1): a binding request that is
 * sent again until its answer is here or the schedule has ended.  The socket is
 * the owner's, who gives every datagram that may be the answer to
 * transaction_take; so several transactions can share a socket.
 */
#ifndef TRANSACTION_H
#define TRANSACTION_H

#include <event2/event.h>
#include <stdbool.h>

#include "addr.h"
#include "stun.h"

enum transaction_schedule {
	TRANSACTION_FULL,  /* RFC 8489's: requests at 0, 0.5, 1.5, 3.5, 7.5, 15.5, 31.5 s, given up at 39.5 s */
	TRANSACTION_SHORT, /* where silence is the usual answer: at 0, 0.5, 1.5 s, given up at 3.5 s */
};

/* It is over without an answer, for the reason in plain words; error is an errno,
 * or 0 if the schedule ended in silence.  Called from the loop; the handler may
 * begin it anew or free it. */
typedef void transaction_failed(void *context, int error, const char *why);

struct transaction {
	struct event *timer;
	transaction_failed *failed;
	void *context;
	int fd;
	struct addr to; /* unset: the socket is connected */
	unsigned int change;
	enum transaction_schedule schedule;
	unsigned int sent; /* requests */
	struct stun_id id;
	bool running;
	int error; /* why the last request could not be sent, or 0 */
};

/* Makes *t ready; transaction_free is due later. */
void transaction_init(struct transaction *t, struct event_base *base, transaction_failed *failed, void *context);
void transaction_free(struct transaction *t);

/* Begins a new transaction from the socket fd: to the address to, or NULL for a
 * connected socket.  change is STUN_CHANGE_NONE or a sum of the others. */
void transaction_begin(struct transaction *t, int fd, const struct addr *to, unsigned int change,
    enum transaction_schedule schedule);

/* Ends it without a word; also if it does not run. */
void transaction_stop(struct transaction *t);

/* Is the datagram its answer?  Returns as stun_parse_response does; unless errno is
 * EBADMSG the transaction is over. */
int transaction_take(struct transaction *t, const uint8_t *data, size_t length, struct stun_response *out);

/* The same where only that something answered matters: what cannot be used is an answer
 * without success.  Returns false if it is none. */
bool transaction_is_answered(struct transaction *t, const uint8_t *data, size_t length, struct stun_response *out);

/* Is the datagram a response to one of this process' last transactions, also to one that has ended?
 * Nobody else knows their IDs, so it is no client's. */
bool transaction_was_begun(const uint8_t *data, size_t length);

/* The socket reported an ICMP error, which ends it (RFC 8489, 6.2.1). */
void transaction_refuse(struct transaction *t, int error);

#endif
