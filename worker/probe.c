/* SPDX-License-Identifier: ISC */
/*
 * A STUN transaction; see probe.h.
 */
#include "probe.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "alloc.h"
#include "channel.h"
#include "log.h"
#include "net.h"
#include "stun.h"
#include "transaction.h"
#include "uplink.h"

/* RFC 8489, 6.2.2: over TCP one request, given up Ti after the SYN. */
#define TI_MS 39500

struct probe {
	struct worker *worker;
	struct server server;
	probe_done *done;
	void *context;
	struct socket_wish *wish;
	struct channel *channel; /* UDP */
	int fd;                  /* TCP */
	struct event *readable;  /* TCP */
	struct event *writable;  /* TCP, while connecting */
	struct transaction transaction; /* UDP */
	struct event *timer;            /* TCP: the end of patience */
	double asked_at;                /* the first request */
	struct stun_id id;              /* TCP */
	size_t received;                /* TCP: bytes in answer */
	uint8_t answer[STUN_RESPONSE_MAX];
};

static bool
is_udp(const struct probe *p)
{
	return p->worker->mapping.protocol == PROTOCOL_UDP;
}

static void
end_with(struct probe *p, const struct probe_result *result)
{
	event_del(p->timer);
	p->done(p->context, p, result);
}

static void __attribute__((format(printf, 3, 4)))
fail(struct probe *p, enum cause cause, const char *format, ...)
{
	struct probe_result result = {.ok = false, .no_way = cause == CAUSE_NO_NETWORK};
	char where[ADDR_TEXT_SIZE];
	va_list args;

	va_start(args, format);
	vsnprintf(result.reason, sizeof(result.reason), format, args);
	va_end(args);
	snprintf(result.error, sizeof(result.error), "STUN server %.90s (%s): %s", p->server.name,
	    addr_text(&p->server.addr, where), result.reason);
	measures_count(&p->worker->measures, cause);
	end_with(p, &result);
}

static void
fail_without_socket(struct probe *p, int error)
{
	struct probe_result result = {.ok = false, .not_asked = true};

	net_explain_no_socket(error, result.error, sizeof(result.error));
	snprintf(result.reason, sizeof(result.reason), "not asked");
	measures_count(&p->worker->measures, CAUSE_PORT_UNAVAILABLE);
	end_with(p, &result);
}

/* Which of several datagrams was answered is not known (Karn). */
static void
measure(struct probe *p)
{
	struct measures *m = &p->worker->measures;

	if (!is_udp(p) || p->transaction.sent == 1)
		measures_take_trip(m, &m->stun_trip, net_now() - p->asked_at);
}

static void
succeed(struct probe *p, const struct stun_response *response)
{
	struct probe_result result = {
	    .ok = true,
	    .mapped = response->mapped,
	    .local = addr_of_socket(is_udp(p) ? channel_fd(p->channel) : p->fd),
	    .other = response->other,
	};

	if (!is_udp(p))
		event_del(p->readable); /* whoever keeps the connection wants no more of it */
	measure(p);
	end_with(p, &result);
}

static void
take_response(struct probe *p, const struct stun_response *response)
{
	if (!response->success)
		fail(p, CAUSE_STUN_UNUSABLE, "it answers with error %d %s", response->error_code, response->error_reason);
	else if (response->mapped.sa.sa_family == p->server.addr.sa.sa_family && addr_is_routable(&response->mapped))
		succeed(p, response);
	else
		fail(p, CAUSE_STUN_UNUSABLE, "it answers with an address that cannot be this machine's on the Internet");
}

/* What a parser made of what may be the answer.  Returns false if it is none (RFC
 * 8489, 6.3.1: silently discarded). */
static bool
take_answer(struct probe *p, int parsed, const struct stun_response *response)
{
	if (parsed == 0)
		take_response(p, response);
	else if (errno == EBADMSG)
		return false;
	else
		fail(p, CAUSE_STUN_UNUSABLE, "its answer has no usable address");
	return true;
}

static void
on_transaction_failed(void *context, int error, const char *why)
{
	fail(context, error == 0 ? CAUSE_STUN_SILENT : CAUSE_STUN_UNUSABLE, "%s", why);
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	fail(arg, CAUSE_STUN_SILENT, "no answer");
}

static bool
on_datagram(void *context, const uint8_t *data, size_t length)
{
	struct probe *p = context;
	struct stun_response response;

	return take_answer(p, transaction_take(&p->transaction, data, length, &response), &response) ||
	       transaction_was_begun(data, length);
}

static void
on_refused(void *context, int error)
{
	struct probe *p = context;

	transaction_refuse(&p->transaction, error);
}

static bool
take_frame(struct probe *p, size_t length)
{
	struct stun_response response;

	return take_answer(p, stun_parse_response(p->answer, length, &p->id, &response), &response);
}

static void
on_stream(evutil_socket_t fd, short what, void *arg)
{
	struct probe *p = arg;
	ssize_t n = recv(fd, p->answer + p->received, sizeof(p->answer) - p->received, 0);
	int length;

	(void)what;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		fail(p, CAUSE_STUN_UNUSABLE, "%s", n == 0 ? "it closed the connection without an answer" : strerror(errno));
		return;
	}
	p->received += (size_t)n;
	length = stun_frame_length(p->answer, p->received);
	if (length < 0 || (length > 0 && (size_t)length <= p->received && !take_frame(p, (size_t)length)))
		fail(p, CAUSE_STUN_UNUSABLE, "what it sends is no answer to the request");
}

static void
on_writable(evutil_socket_t fd, short what, void *arg)
{
	struct probe *p = arg;
	uint8_t request[STUN_REQUEST_SIZE];
	int error = net_socket_error(fd);
	size_t length;

	(void)what;
	if (error != 0) {
		fail(p, CAUSE_STUN_UNUSABLE, "%s", strerror(error));
		return;
	}
	event_add(p->readable, NULL);
	p->asked_at = net_now();
	p->id = stun_new_id();
	length = stun_build_request(request, &p->id, STUN_CHANGE_NONE);
	/* A new connection has room for a request. */
	if (send(fd, request, length, MSG_NOSIGNAL) != (ssize_t)length)
		fail(p, CAUSE_STUN_UNUSABLE, "sending the request failed: %s", strerror(errno));
}

/* By this machine's own word.  What a router says later of a server is that server's failure. */
static void
fail_to_connect(struct probe *p, int error)
{
	fail(p, net_is_no_network(error) ? CAUSE_NO_NETWORK : CAUSE_STUN_UNUSABLE, "%s", net_connect_error(error));
}

static void
begin_connection(struct probe *p, int fd, int error)
{
	static const struct timeval patience = {.tv_sec = TI_MS / 1000, .tv_usec = TI_MS % 1000 * 1000};

	p->fd = fd;
	net_set_reset_on_close(fd);
	if (error != 0) {
		fail_to_connect(p, error);
		return;
	}
	p->readable = event_new(p->worker->base, fd, EV_READ | EV_PERSIST, on_stream, p);
	p->writable = event_new(p->worker->base, fd, EV_WRITE, on_writable, p);
	if (p->readable == NULL || p->writable == NULL)
		fatal("out of memory");
	event_add(p->writable, NULL);
	event_add(p->timer, &patience);
}

static void
begin_datagrams(struct probe *p, int fd)
{
	static const struct channel_handlers handlers = {on_datagram, on_refused};

	p->channel = channel_open(p->worker, fd, &p->server.addr, &handlers, p);
	if (p->channel != NULL)
		probe_again(p);
	else
		fail_to_connect(p, errno);
}

static void
on_socket(void *context, int fd, int error)
{
	struct probe *p = context;

	p->wish = NULL;
	if (fd < 0)
		fail_without_socket(p, error);
	else if (is_udp(p))
		begin_datagrams(p, fd);
	else
		begin_connection(p, fd, error);
}

struct probe *
probe_start(struct worker *worker, const struct server *server, probe_done *done, void *context)
{
	struct probe *p = alloc_zero(sizeof(*p));

	p->worker = worker;
	p->server = *server;
	p->fd = -1;
	probe_hand_over(p, done, context);
	p->timer = event_new(worker->base, -1, 0, on_timer, p);
	if (p->timer == NULL)
		fatal("out of memory");
	transaction_init(&p->transaction, worker->base, on_transaction_failed, p);
	p->wish = uplink_ask_socket(worker->uplink, SOCKET_CONNECT, is_udp(p) ? NULL : &server->addr, on_socket, p);
	return p;
}

void
probe_again(struct probe *p)
{
	p->asked_at = net_now();
	transaction_begin(&p->transaction, channel_fd(p->channel), NULL, STUN_CHANGE_NONE, TRANSACTION_FULL);
}

void
probe_hand_over(struct probe *p, probe_done *done, void *context)
{
	p->done = done;
	p->context = context;
}

void
probe_free(struct probe *p)
{
	if (p == NULL)
		return;
	if (p->wish != NULL && is_udp(p))
		channel_forget_socket(p->worker, p->wish);
	else if (p->wish != NULL)
		uplink_forget_socket(p->wish);
	if (p->readable != NULL)
		event_free(p->readable);
	if (p->writable != NULL)
		event_free(p->writable);
	transaction_free(&p->transaction);
	channel_free(p->channel);
	event_free(p->timer);
	if (p->fd >= 0)
		close(p->fd);
	free(p);
}

const struct server *
probe_server(const struct probe *p)
{
	return &p->server;
}
