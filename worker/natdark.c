/* SPDX-License-Identifier: ISC */
/*
 * An address that must not answer; see natdark.h.
 */
#include "natdark.h"

#include <stdlib.h>
#include <unistd.h>

#include "alloc.h"
#include "log.h"
#include "net.h"
#include "transaction.h"
#include "uplink.h"

#define STUN_PORT 3478
#define WEB_PORT 80
#define TRIES_MAX 2
/* A SYN at 0 and 1 s; a proxy is near. */
static const struct timeval connect_time = {.tv_sec = 3};

struct try {
	struct natdark *owner;
	struct socket_wish *wish;
	int fd;
	struct addr to;
	struct event *event;
	struct transaction transaction; /* UDP */
	bool over;
	bool sent;
};

struct natdark {
	struct worker *worker;
	struct addr unused;
	natdark_done *done;
	void *context;
	struct try tries[TRIES_MAX];
	unsigned int count;
};

static bool
is_udp(const struct natdark *d)
{
	return d->worker->mapping.protocol == PROTOCOL_UDP;
}

static void
end_try(struct try *t)
{
	struct natdark *d = t->owner;
	bool sent = false;
	unsigned int i;

	t->over = true;
	for (i = 0; i < d->count; i++) {
		if (!d->tries[i].over)
			return;
		sent = sent || d->tries[i].sent;
	}
	d->done(d->context, sent ? NAT_NO : NAT_UNKNOWN);
}

static void
on_silence(void *context, int error, const char *why)
{
	struct try *t = context;

	(void)why;
	t->sent = error == 0;
	end_try(t);
}

static void
on_datagram(evutil_socket_t fd, short what, void *arg)
{
	struct try *t = arg;
	uint8_t data[STUN_RESPONSE_MAX];
	struct stun_response response;
	struct addr from;
	ssize_t n = net_receive(fd, data, sizeof(data), &from);

	(void)what;
	if (n >= 0 && transaction_is_answered(&t->transaction, data, (size_t)n, &response))
		t->owner->done(t->owner->context, NAT_YES);
}

/* Connected, refused, or the time is over. */
static void
on_connection(evutil_socket_t fd, short what, void *arg)
{
	struct try *t = arg;

	if ((what & EV_TIMEOUT) == 0 && net_socket_error(fd) == 0)
		t->owner->done(t->owner->context, NAT_YES);
	else
		end_try(t);
}

static void
on_socket(void *context, int fd, int error)
{
	struct try *t = context;
	struct natdark *d = t->owner;

	t->wish = NULL;
	t->fd = fd;
	if (fd < 0 || error != 0) {
		end_try(t);
		return;
	}
	t->event = event_new(d->worker->base, fd, is_udp(d) ? EV_READ | EV_PERSIST : EV_WRITE,
	    is_udp(d) ? on_datagram : on_connection, t);
	if (t->event == NULL)
		fatal("out of memory");
	event_add(t->event, is_udp(d) ? NULL : &connect_time);
	if (is_udp(d))
		transaction_begin(&t->transaction, fd, &t->to, STUN_CHANGE_NONE, TRANSACTION_SHORT);
	else
		t->sent = true;
}

static void
add_try(struct natdark *d, uint16_t port)
{
	struct try *t = &d->tries[d->count++];

	t->owner = d;
	t->fd = -1;
	t->to = d->unused;
	addr_set_port(&t->to, port);
	transaction_init(&t->transaction, d->worker->base, on_silence, t);
	t->wish = uplink_ask_socket(d->worker->uplink, SOCKET_FRESH, is_udp(d) ? NULL : &t->to, on_socket, t);
}

struct natdark *
natdark_start(struct worker *worker, const struct addr *unused, natdark_done *done, void *context)
{
	struct natdark *d = alloc_zero(sizeof(*d));

	d->worker = worker;
	d->unused = *unused;
	d->done = done;
	d->context = context;
	add_try(d, STUN_PORT);
	if (!is_udp(d))
		add_try(d, WEB_PORT);
	return d;
}

void
natdark_free(struct natdark *d)
{
	unsigned int i;

	if (d == NULL)
		return;
	for (i = 0; i < d->count; i++) {
		struct try *t = &d->tries[i];

		if (t->wish != NULL)
			uplink_forget_socket(t->wish);
		if (t->event != NULL)
			event_free(t->event);
		transaction_free(&t->transaction);
		if (t->fd >= 0)
			close(t->fd);
	}
	free(d);
}
