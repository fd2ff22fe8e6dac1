/* SPDX-License-Identifier: ISC */
/*
 * A server that is put to the test itself; see natcontrol.h.
 */
#include "natcontrol.h"

#include <stdlib.h>
#include <unistd.h>

#include "alloc.h"
#include "log.h"
#include "net.h"
#include "transaction.h"
#include "uplink.h"

struct natcontrol {
	struct worker *worker;
	struct addr server;
	struct addr other;
	natcontrol_done *done;
	void *context;
	struct socket_wish *wish;
	int fd; /* unconnected */
	struct event *readable;
	struct transaction open;   /* with the alternate address, which the NAT then lets in */
	struct transaction change; /* what is asked in the filtering test */
};

static void
on_failed(void *context, int error, const char *why)
{
	struct natcontrol *c = context;

	(void)error;
	log_debug("the control of the filtering test failed: %s", why);
	c->done(c->context, false);
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct natcontrol *c = arg;
	uint8_t data[STUN_RESPONSE_MAX];
	struct stun_response response;
	struct addr from;
	ssize_t n = net_receive(fd, data, sizeof(data), &from);

	(void)what;
	if (n < 0)
		return;
	if (transaction_is_answered(&c->open, data, (size_t)n, &response))
		transaction_begin(&c->change, c->fd, &c->server, STUN_CHANGE_IP | STUN_CHANGE_PORT, TRANSACTION_FULL);
	else if (transaction_is_answered(&c->change, data, (size_t)n, &response))
		c->done(c->context, response.success && addr_equal(&from, &c->other));
}

static void
on_socket(void *context, int fd, int error)
{
	struct natcontrol *c = context;

	(void)error;
	c->wish = NULL;
	c->fd = fd;
	if (fd < 0) {
		c->done(c->context, false);
		return;
	}
	c->readable = event_new(c->worker->base, fd, EV_READ | EV_PERSIST, on_readable, c);
	if (c->readable == NULL || event_add(c->readable, NULL) < 0)
		fatal("out of memory");
	transaction_begin(&c->open, fd, &c->other, STUN_CHANGE_NONE, TRANSACTION_FULL);
}

struct natcontrol *
natcontrol_start(struct worker *worker, const struct server *server, const struct addr *other, natcontrol_done *done,
    void *context)
{
	struct natcontrol *c = alloc_zero(sizeof(*c));

	c->worker = worker;
	c->server = server->addr;
	c->other = *other;
	c->done = done;
	c->context = context;
	c->fd = -1;
	transaction_init(&c->open, worker->base, on_failed, c);
	transaction_init(&c->change, worker->base, on_failed, c);
	c->wish = uplink_ask_socket(worker->uplink, SOCKET_FRESH, NULL, on_socket, c);
	return c;
}

void
natcontrol_free(struct natcontrol *c)
{
	if (c == NULL)
		return;
	if (c->wish != NULL)
		uplink_forget_socket(c->wish);
	if (c->readable != NULL)
		event_free(c->readable);
	transaction_free(&c->open);
	transaction_free(&c->change);
	if (c->fd >= 0)
		close(c->fd);
	free(c);
}
