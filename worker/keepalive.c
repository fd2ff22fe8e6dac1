/* SPDX-License-Identifier: ISC */
/*
 * A keep-alive connection; see keepalive.h.  Anything odd that the server does ends
 * this connection and nothing else.
 */
#include "keepalive.h"

#include <bsd/stdlib.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "alloc.h"
#include "duration.h"
#include "http.h"
#include "log.h"
#include "net.h"
#include "uplink.h"

/* Two retransmissions of a lost SYN (after 1 and 3 s) fit into this. */
#define CONNECT_SECONDS 5
/* Slow servers answer after seconds; a lost segment is sent again within this. */
#define ANSWER_SECONDS 10
/* So long at least the first request waits: a server that closes after its first answer must
 * leave time to ask the STUN servers before.  As much later a late one's is. */
#define FIRST_REQUEST_SECONDS 2
/* Servers and what stands in front of them close what is idle for 60 s or more. */
#define REQUEST_SECONDS 45
/* A probe that is not answered is repeated every second; so many, and it is dead. */
#define PROBE_RETRIES 8
/* An answer to HEAD has no body.  A server that does not know that may send a page of this many bytes
 * with each; one that sends more takes the line and the processor from others. */
#define SURPLUS_MAX (256 * 1024)
/* Shorter idleness before a server's close was something else. */
#define IDLE_LIMIT_MIN 2.0

struct keepalive {
	struct worker *worker;
	const struct servers *servers;
	struct server server;
	struct keepalive_handlers handlers;
	void *context;
	struct socket_wish *wish;
	int fd;
	struct event *readable;
	struct event *writable; /* while connecting */
	struct event *timer;    /* the connection's, the answer's or the pause's end */
	bool up;
	bool asked;   /* a request is not answered yet */
	bool leaving; /* no more requests */
	struct keepalive_times times;
	double idle_end;
	double up_at;
	double idle_since; /* the last answer, or up_at */
	double asked_at;
	size_t surplus; /* bytes that came with no request to answer, since the last one */
	struct http_response response;
};

static void
set_timer(struct keepalive *k, double seconds)
{
	struct timeval t = duration(seconds);

	event_add(k->timer, &t);
}

/* A close in order is how most of them end, and no failure. */
static void
count_end(struct keepalive *k, enum keepalive_end end)
{
	static const enum cause causes[] = {
	    [KEEPALIVE_UNREACHED] = CAUSE_KEEP_ALIVE_UNREACHABLE,
	    [KEEPALIVE_NO_WAY] = CAUSE_NO_NETWORK,
	    [KEEPALIVE_NOT_TRIED] = CAUSE_PORT_UNAVAILABLE,
	    [KEEPALIVE_BLOCKED] = CAUSE_KEEP_ALIVE_UNREACHABLE,
	    [KEEPALIVE_RESET] = CAUSE_KEEP_ALIVE_LOST,
	    [KEEPALIVE_SILENT] = CAUSE_KEEP_ALIVE_LOST,
	    [KEEPALIVE_USELESS] = CAUSE_KEEP_ALIVE_UNUSABLE,
	};

	if (end != KEEPALIVE_CLOSED)
		measures_count(&k->worker->measures, causes[end]);
}

static void __attribute__((format(printf, 3, 4)))
lose(struct keepalive *k, enum keepalive_end end, const char *format, ...)
{
	char reason[REPORT_ERROR_SIZE], what[128], where[ADDR_TEXT_SIZE];
	va_list args;

	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	snprintf(reason, sizeof(reason), "keep-alive server %.90s (%s): %s", k->server.name,
	    addr_text(&k->server.addr, where), what);
	count_end(k, end);
	k->handlers.on_lost(k->context, k, end, reason);
}

/* By this machine's own word.  What a router says later of a server is that server's failure. */
static void
lose_attempt(struct keepalive *k, int error)
{
	enum keepalive_end end = error == EADDRNOTAVAIL     ? KEEPALIVE_BLOCKED
				 : net_is_no_network(error) ? KEEPALIVE_NO_WAY
							    : KEEPALIVE_UNREACHED;

	lose(k, end, "%s", net_connect_error(error));
}

static void
lose_connection(struct keepalive *k, int error)
{
	bool reset = error == ECONNRESET || error == EPIPE;

	lose(k, reset ? KEEPALIVE_RESET : KEEPALIVE_SILENT, "%s", strerror(error));
}

static void
lose_by_close(struct keepalive *k)
{
	double idle = net_now() - k->idle_since;

	if (!k->leaving && !k->asked && idle >= IDLE_LIMIT_MIN)
		k->idle_end = idle;
	lose(k, KEEPALIVE_CLOSED, "the server closed the connection");
}

/* Before the server's patience with an idle connection ends, if it is known. */
static double
shorten(const struct keepalive *k, double pause)
{
	double limit = k->times.idle_limit, most = limit > 2 ? limit - 1 : 1;

	return limit > 0 && most < pause ? most : pause;
}

static void
plan_request(struct keepalive *k)
{
	double pause = shorten(k, k->times.pace > REQUEST_SECONDS ? k->times.pace : REQUEST_SECONDS);

	/* Many connections of many mappings don't beat in step. */
	set_timer(k, pause * (1 - arc4random_uniform(100) / 1000.0));
}

static void
plan_first_request(struct keepalive *k)
{
	double chance = arc4random_uniform(900) / 1000.0;

	set_timer(k, shorten(k, FIRST_REQUEST_SECONDS * (k->times.late ? 2 : 1) + chance));
}

static void
send_request(struct keepalive *k)
{
	char request[HTTP_REQUEST_SIZE];
	size_t length = http_build_head(request, k->server.name);
	ssize_t n = send(k->fd, request, length, MSG_NOSIGNAL);

	/* The last request was answered, so the send buffer has room for this one. */
	if (n != (ssize_t)length) {
		lose_connection(k, n < 0 ? errno : EAGAIN);
		return;
	}
	memset(&k->response, 0, sizeof(k->response));
	k->asked = true;
	k->surplus = 0;
	k->asked_at = net_now();
	set_timer(k, ANSWER_SECONDS);
}

/* By its word; the last request that it takes is left for its successor's time to come up. */
static bool
announces_end(const struct http_response *r)
{
	return r->close || (r->keep_alive_max >= 0 && r->keep_alive_max <= 1);
}

/* A server that is about to close is told nothing more: it does so by itself. */
static void
take_answer(struct keepalive *k)
{
	struct measures *m = &k->worker->measures;

	k->asked = false;
	k->idle_since = net_now();
	measures_take_trip(m, &m->keep_alive_trip, k->idle_since - k->asked_at);
	log_debug("keep-alive answered by %s (HTTP status %d)", k->server.name, k->response.status);
	if (k->response.keep_alive_timeout > 0)
		k->times.idle_limit = k->response.keep_alive_timeout;
	if (announces_end(&k->response)) {
		log_debug("%s closes the connection after its answer", k->server.name);
		keepalive_dismiss(k);
		k->handlers.on_leaving(k->context, k);
		return;
	}
	plan_request(k);
	k->handlers.on_answer(k->context, k);
}

static void
take_data(struct keepalive *k, const char *data, size_t length)
{
	size_t used;

	switch (http_feed(&k->response, data, length, &used)) {
	case HTTP_DONE:
		take_answer(k);
		break;
	case HTTP_BAD:
		lose(k, KEEPALIVE_USELESS, "what it answers is not HTTP");
		break;
	case HTTP_MORE:
		break;
	}
}

/* A body that a HEAD's answer must not have, or a late word before the end. */
static void
take_surplus(struct keepalive *k, size_t length)
{
	k->surplus += length;
	if (k->surplus > SURPLUS_MAX)
		lose(k, KEEPALIVE_USELESS, "it sends and sends without being asked");
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct keepalive *k = arg;
	char data[4096];
	ssize_t n = recv(fd, data, sizeof(data), 0);

	(void)what;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0)
		lose_connection(k, errno);
	else if (n == 0)
		lose_by_close(k);
	else if (k->asked)
		take_data(k, data, (size_t)n);
	else
		take_surplus(k, (size_t)n);
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct keepalive *k = arg;

	(void)fd;
	(void)what;
	if (!k->up)
		lose(k, KEEPALIVE_UNREACHED, "no connection within %d s", CONNECT_SECONDS);
	else if (k->asked)
		lose(k, KEEPALIVE_SILENT, "no answer within %d s", ANSWER_SECONDS);
	else
		send_request(k);
}

static void
set_number(int fd, int level, int option, unsigned int value)
{
	int number = (int)value;

	/* Every Linux knows these; without them the requests alone would hold the hole. */
	(void)setsockopt(fd, level, option, &number, sizeof(number));
}

static void
probe_regularly(struct keepalive *k)
{
	set_number(k->fd, IPPROTO_TCP, TCP_KEEPIDLE, k->times.pace);
	set_number(k->fd, IPPROTO_TCP, TCP_KEEPINTVL, 1);
	set_number(k->fd, IPPROTO_TCP, TCP_KEEPCNT, PROBE_RETRIES);
	set_number(k->fd, SOL_SOCKET, SO_KEEPALIVE, 1);
}

static void
come_up(struct keepalive *k)
{
	k->up = true;
	k->up_at = k->idle_since = net_now();
	probe_regularly(k);
	event_add(k->readable, NULL);
	plan_first_request(k);
	k->handlers.on_up(k->context, k);
}

static void
on_writable(evutil_socket_t fd, short what, void *arg)
{
	struct keepalive *k = arg;
	int error = net_socket_error(fd);

	(void)what;
	if (error != 0)
		lose(k, KEEPALIVE_UNREACHED, "%s", strerror(error));
	else
		come_up(k);
}

/* A connection of a worker that died lives on; the server may be another one than the
 * one that was asked for, but not one that the mapping does not have. */
static bool
is_inherited(struct keepalive *k)
{
	struct sockaddr_storage storage;
	socklen_t length = sizeof(storage);
	struct addr peer;
	uint32_t i;

	if (getpeername(k->fd, (struct sockaddr *)&storage, &length) < 0 ||
	    addr_from_sockaddr((struct sockaddr *)&storage, &peer) < 0)
		return false;
	for (i = 0; i < k->servers->keep_alive_count; i++) {
		if (!addr_equal(&k->servers->keep_alive[i].addr, &peer))
			continue;
		k->server = k->servers->keep_alive[i];
		log_debug("the keep-alive with %s goes on", k->server.name);
		return true;
	}
	net_disconnect(k->fd);
	return false;
}

static void ask_for_socket(struct keepalive *k);

static void
on_socket(void *context, int fd, int error)
{
	struct keepalive *k = context;

	k->wish = NULL;
	if (fd < 0) {
		char reason[REPORT_ERROR_SIZE];

		net_explain_no_socket(error, reason, sizeof(reason));
		count_end(k, KEEPALIVE_NOT_TRIED);
		k->handlers.on_lost(k->context, k, KEEPALIVE_NOT_TRIED, reason);
		return;
	}
	k->fd = fd;
	if (error == EISCONN && !is_inherited(k)) {
		close(fd);
		k->fd = -1;
		ask_for_socket(k);
		return;
	}
	net_set_reset_on_close(fd);
	k->readable = event_new(k->worker->base, fd, EV_READ | EV_PERSIST, on_readable, k);
	k->writable = event_new(k->worker->base, fd, EV_WRITE, on_writable, k);
	if (k->readable == NULL || k->writable == NULL)
		fatal("out of memory");
	if (error == EISCONN) {
		come_up(k);
	} else if (error != 0) {
		lose_attempt(k, error);
	} else {
		event_add(k->writable, NULL);
		set_timer(k, CONNECT_SECONDS);
	}
}

static void
ask_for_socket(struct keepalive *k)
{
	k->wish = uplink_ask_socket(k->worker->uplink, SOCKET_KEEP, &k->server.addr, on_socket, k);
}

struct keepalive *
keepalive_start(struct worker *worker, const struct servers *servers, const struct server *server,
    const struct keepalive_times *times, const struct keepalive_handlers *handlers, void *context)
{
	struct keepalive *k = alloc_zero(sizeof(*k));

	k->worker = worker;
	k->servers = servers;
	k->server = *server;
	k->times = *times;
	k->handlers = *handlers;
	k->context = context;
	k->fd = -1;
	k->timer = event_new(worker->base, -1, 0, on_timer, k);
	if (k->timer == NULL)
		fatal("out of memory");
	ask_for_socket(k);
	return k;
}

void
keepalive_free(struct keepalive *k)
{
	if (k == NULL)
		return;
	if (k->wish != NULL)
		uplink_forget_socket(k->wish);
	if (k->readable != NULL)
		event_free(k->readable);
	if (k->writable != NULL)
		event_free(k->writable);
	event_free(k->timer);
	if (k->fd >= 0) {
		net_disconnect(k->fd);
		close(k->fd);
	}
	free(k);
}

void
keepalive_set_pace(struct keepalive *k, unsigned int seconds)
{
	k->times.pace = seconds;
	if (k->up)
		set_number(k->fd, IPPROTO_TCP, TCP_KEEPIDLE, seconds);
}

bool
keepalive_is_up(const struct keepalive *k)
{
	return k->up;
}

bool
keepalive_is_leaving(const struct keepalive *k)
{
	return k->leaving;
}

void
keepalive_dismiss(struct keepalive *k)
{
	k->leaving = true;
	k->asked = false;
	event_del(k->timer);
}

bool
keepalive_is_late(const struct keepalive *k)
{
	return k->times.late;
}

const struct server *
keepalive_server(const struct keepalive *k)
{
	return &k->server;
}

struct addr
keepalive_local(const struct keepalive *k)
{
	return addr_of_socket(k->fd);
}

double
keepalive_quiet(const struct keepalive *k)
{
	struct tcp_info info = {0};
	socklen_t length = sizeof(info);

	if (getsockopt(k->fd, IPPROTO_TCP, TCP_INFO, &info, &length) < 0)
		return 0;
	return info.tcpi_last_ack_recv / 1000.0;
}

double
keepalive_age(const struct keepalive *k)
{
	return k->up ? net_now() - k->up_at : 0;
}

double
keepalive_idle_end(const struct keepalive *k)
{
	return k->idle_end;
}
