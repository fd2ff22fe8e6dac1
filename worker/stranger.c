/* SPDX-License-Identifier: ISC */
/*
 * A stranger's datagram to the mapped port; see stranger.h.
 */
#include "stranger.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "channel.h"
#include "log.h"
#include "transaction.h"
#include "uplink.h"

enum step {
	STEP_ALTERNATE, /* which alternate address has the server? */
	STEP_STRANGER,  /* does its answer get in? */
	STEP_ALIVE,     /* if not: does it answer at all, on another port? */
	STEP_CONTROL,   /* and does it answer there for the server? */
	STEP_OVER,
};

#define CHANGE_BOTH (STUN_CHANGE_IP | STUN_CHANGE_PORT)

struct stranger {
	struct worker *worker;
	const struct servers *servers;
	const struct acquaintances *known;
	stranger_done *done;
	void *context;
	unsigned int tried; /* servers */
	struct server server;
	struct addr other;
	enum step step;
	struct socket_wish *wish;
	struct transaction transaction; /* of the present step */
	struct channel *channel; /* at first with the server, then with its alternate address */
};

void
acquaintances_add(struct acquaintances *a, const struct addr *addr)
{
	if (!acquaintances_include(a, addr))
		a->all[a->next++ % ACQUAINTANCES_MAX] = *addr;
}

bool
acquaintances_include(const struct acquaintances *a, const struct addr *addr)
{
	unsigned int i;

	for (i = 0; i < ACQUAINTANCES_MAX; i++)
		if (addr_same_ip(&a->all[i], addr))
			return true;
	return false;
}

static void
stop(struct stranger *s)
{
	if (s->wish != NULL)
		channel_forget_socket(s->worker, s->wish);
	s->wish = NULL;
	transaction_stop(&s->transaction);
	channel_free(s->channel);
	s->channel = NULL;
}

static void
finish(struct stranger *s, enum reach reach)
{
	stop(s);
	s->step = STEP_OVER;
	s->done(s->context, reach);
}

static void on_socket(void *context, int fd, int error);

/* The step begins when its socket is there. */
static void
begin(struct stranger *s, enum step step)
{
	stop(s);
	s->step = step;
	s->wish = uplink_ask_socket(s->worker->uplink, step == STEP_ALIVE ? SOCKET_FRESH : SOCKET_CONNECT, NULL, on_socket, s);
}

static void
next_server(struct stranger *s)
{
	if (s->tried >= s->servers->stun_count) {
		finish(s, REACH_UNKNOWN);
		return;
	}
	s->server = s->servers->stun[s->tried++];
	begin(s, STEP_ALTERNATE);
}

/* With the server's own port a NAT that looks at ports alone would let it in. */
static bool
is_stranger(const struct stranger *s, const struct addr *other)
{
	return addr_is_routable(other) && other->sa.sa_family == s->server.addr.sa.sa_family &&
	       addr_port(other) != addr_port(&s->server.addr) && !addr_same_ip(other, &s->server.addr) &&
	       !acquaintances_include(s->known, other);
}

static void
take_alternate(struct stranger *s, const struct stun_response *response)
{
	char other[ADDR_TEXT_SIZE];

	if (!response->success || !is_stranger(s, &response->other)) {
		next_server(s);
		return;
	}
	s->other = response->other;
	log_debug("asks STUN server %s to answer from %s", s->server.name, addr_text(&s->other, other));
	begin(s, STEP_STRANGER);
}

/* To the server, although the socket hears its alternate address alone: the mapping's
 * keep-alive may be a socket that speaks with the server, and takes turns with none. */
static void
ask_for_other(struct stranger *s, enum transaction_schedule schedule)
{
	transaction_begin(&s->transaction, channel_fd(s->channel), &s->server.addr, CHANGE_BOTH, schedule);
}

static void
take_answer(struct stranger *s, const struct stun_response *response)
{
	switch (s->step) {
	case STEP_ALTERNATE:
		take_alternate(s, response);
		break;
	case STEP_STRANGER:
		finish(s, REACH_REACHABLE);
		break;
	case STEP_ALIVE:
		s->step = STEP_CONTROL;
		ask_for_other(s, TRANSACTION_SHORT);
		break;
	case STEP_CONTROL:
		finish(s, REACH_UNREACHABLE);
		break;
	case STEP_OVER:
		break;
	}
}

static void
on_transaction_failed(void *context, int error, const char *why)
{
	struct stranger *s = context;

	log_debug("STUN server %s, asked to answer from elsewhere: %s", s->server.name, why);
	if (s->step == STEP_STRANGER && error == 0)
		begin(s, STEP_ALIVE);
	else
		next_server(s);
}

/* A server can name any address as its alternate one, also a client's.  The fresh socket has no clients. */
static bool
on_datagram(void *context, const uint8_t *data, size_t length)
{
	struct stranger *s = context;
	struct stun_response response = {0};

	if (!transaction_is_answered(&s->transaction, data, length, &response))
		return s->step == STEP_ALIVE || s->step == STEP_CONTROL || transaction_was_begun(data, length);
	take_answer(s, &response);
	return true;
}

static void
on_refused(void *context, int error)
{
	struct stranger *s = context;

	transaction_refuse(&s->transaction, error);
}

static void
on_socket(void *context, int fd, int error)
{
	static const struct channel_handlers handlers = {on_datagram, on_refused};
	struct stranger *s = context;
	const struct addr *peer = s->step == STEP_ALTERNATE ? &s->server.addr : &s->other;

	s->wish = NULL;
	if (fd >= 0)
		s->channel = channel_open(s->worker, fd, peer, &handlers, s);
	if (s->channel == NULL) {
		log_debug("no socket for STUN server %s: %s", s->server.name, strerror(fd < 0 ? error : errno));
		next_server(s);
	} else if (s->step == STEP_STRANGER) {
		ask_for_other(s, TRANSACTION_FULL);
	} else {
		transaction_begin(&s->transaction, channel_fd(s->channel), NULL, STUN_CHANGE_NONE, TRANSACTION_SHORT);
	}
}

struct stranger *
stranger_start(struct worker *worker, const struct servers *servers, const struct acquaintances *known,
    stranger_done *done, void *context)
{
	struct stranger *s = alloc_zero(sizeof(*s));

	s->worker = worker;
	s->servers = servers;
	s->known = known;
	s->done = done;
	s->context = context;
	transaction_init(&s->transaction, worker->base, on_transaction_failed, s);
	next_server(s);
	return s;
}

void
stranger_free(struct stranger *s)
{
	if (s == NULL)
		return;
	stop(s);
	transaction_free(&s->transaction);
	free(s);
}

bool
stranger_claim_datagram(const struct stranger *s, const struct addr *from, const void *data, size_t length)
{
	return s != NULL && addr_equal(from, &s->other) && transaction_was_begun(data, length);
}
