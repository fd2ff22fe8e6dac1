/* SPDX-License-Identifier: ISC */
/*
 * A NAT's filtering behaviour; see natfiltering.h.
 */
#include "natfiltering.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "alloc.h"
#include "log.h"
#include "net.h"
#include "transaction.h"
#include "uplink.h"

struct natfiltering {
	struct worker *worker;
	struct server server;
	natfiltering_done *done;
	void *context;
	struct socket_wish *wish;
	int fd; /* unconnected */
	struct event *readable;
	struct transaction change_both;
	struct transaction change_port;
	struct addr other;
	bool port_came; /* an answer from the server's other port did */
};

static void
finish(struct natfiltering *f, enum nat_filtering result)
{
	transaction_stop(&f->change_both);
	transaction_stop(&f->change_port);
	if (f->readable != NULL)
		event_del(f->readable);
	f->done(f->context, result);
}

static void
give_up(struct natfiltering *f, const char *why)
{
	char where[ADDR_TEXT_SIZE];

	log_info("STUN server %.120s (%s) cannot test what the NAT lets in: %s", f->server.name,
	    addr_text(&f->server.addr, where), why);
	finish(f, NAT_FILTERING_UNKNOWN);
}

/* The two run side by side on the same schedule; the later end is the verdict. */
static void
decide(struct natfiltering *f)
{
	if (f->change_both.running || f->change_port.running)
		return;
	finish(f, f->port_came ? NAT_FILTERING_ADDRESS_DEPENDENT : NAT_FILTERING_ADDRESS_AND_PORT_DEPENDENT);
}

static void
on_change_failed(void *context, int error, const char *why)
{
	if (error != 0)
		give_up(context, why);
	else
		decide(context);
}

static void
take_both(struct natfiltering *f, const struct stun_response *response, const struct addr *from)
{
	if (response->success && addr_equal(from, &f->other))
		finish(f, NAT_FILTERING_ENDPOINT_INDEPENDENT);
	else
		give_up(f, "it does not answer from the address that it was asked to");
}

static void
take_port(struct natfiltering *f, const struct stun_response *response, const struct addr *from)
{
	if (!response->success || !addr_same_ip(from, &f->server.addr) ||
	    addr_port(from) != addr_port(&f->other)) {
		give_up(f, "it does not answer from the port that it was asked to");
		return;
	}
	f->port_came = true;
	decide(f);
}

static void
take_datagram(struct natfiltering *f, const uint8_t *data, size_t length, const struct addr *from)
{
	struct stun_response response;

	if (transaction_is_answered(&f->change_both, data, length, &response))
		take_both(f, &response, from);
	else if (transaction_is_answered(&f->change_port, data, length, &response))
		take_port(f, &response, from);
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct natfiltering *f = arg;
	uint8_t data[STUN_RESPONSE_MAX];
	struct addr from;
	ssize_t n = net_receive(fd, data, sizeof(data), &from);

	(void)what;
	if (n >= 0)
		take_datagram(f, data, (size_t)n, &from);
}

static void
on_socket(void *context, int fd, int error)
{
	struct natfiltering *f = context;

	f->wish = NULL;
	f->fd = fd;
	if (fd < 0) {
		give_up(f, strerror(error));
		return;
	}
	f->readable = event_new(f->worker->base, fd, EV_READ | EV_PERSIST, on_readable, f);
	if (f->readable == NULL)
		fatal("out of memory");
	event_add(f->readable, NULL);
	log_info("what the NAT lets in is being tested with %.120s; if it is nothing, this takes 40 seconds",
	    f->server.name);
	transaction_begin(&f->change_both, fd, &f->server.addr, STUN_CHANGE_IP | STUN_CHANGE_PORT, TRANSACTION_FULL);
	transaction_begin(&f->change_port, fd, &f->server.addr, STUN_CHANGE_PORT, TRANSACTION_FULL);
}

struct natfiltering *
natfiltering_start(struct worker *worker, const struct server *server, const struct addr *other,
    natfiltering_done *done, void *context)
{
	struct natfiltering *f = alloc_zero(sizeof(*f));

	f->worker = worker;
	f->server = *server;
	f->other = *other;
	f->done = done;
	f->context = context;
	f->fd = -1;
	transaction_init(&f->change_both, worker->base, on_change_failed, f);
	transaction_init(&f->change_port, worker->base, on_change_failed, f);
	f->wish = uplink_ask_socket(worker->uplink, SOCKET_FRESH, NULL, on_socket, f);
	return f;
}

void
natfiltering_free(struct natfiltering *f)
{
	if (f == NULL)
		return;
	if (f->wish != NULL)
		uplink_forget_socket(f->wish);
	if (f->readable != NULL)
		event_free(f->readable);
	transaction_free(&f->change_both);
	transaction_free(&f->change_port);
	if (f->fd >= 0)
		close(f->fd);
	free(f);
}
