/* SPDX-License-Identifier: ISC */
/*
 * The keep-alive connection; see keepalive.h.  Anything odd that the server
 * does ends this connection and nothing else.
 */
#include "keepalive.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "alloc.h"
#include "http.h"
#include "log.h"
#include "net.h"
#include "uplink.h"

/* Two retransmissions of a lost SYN (after 1 and 3 s) fit into this. */
static const struct timeval connect_timeout = {.tv_sec = 5};
/* Slow servers answer after seconds; a lost segment is sent again within this. */
static const struct timeval answer_timeout = {.tv_sec = 10};
/* So long at most the first request waits: a server that closes after its first
 * answer must leave time to ask the STUN servers before. */
#define FIRST_REQUEST_SECONDS 5

struct keepalive {
	struct worker *worker;
	struct server server;
	struct keepalive_handlers handlers;
	void *context;
	struct socket_wish *wish;
	int fd;
	struct event *readable;
	struct event *writable; /* while connecting */
	struct event *timer;    /* the connection's, the answer's or the interval's end */
	bool up;
	bool asked; /* a request is not answered yet */
	bool has_no_way; /* the reason of on_lost: this machine's network */
	double up_at;
	struct http_response response;
};

static void __attribute__((format(printf, 2, 3)))
lose(struct keepalive *k, const char *format, ...)
{
	char reason[REPORT_ERROR_SIZE], what[128], where[ADDR_TEXT_SIZE];
	va_list args;

	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	snprintf(reason, sizeof(reason), "keep-alive server %.90s (%s): %s", k->server.name,
	    addr_text(&k->server.addr, where), what);
	k->handlers.on_lost(k->context, reason, k->up ? net_now() - k->up_at : -1);
}

static void
lose_connection(struct keepalive *k, int error)
{
	k->has_no_way = net_is_no_network(error);
	lose(k, "%s", net_connect_error(error));
}

static void
send_request(struct keepalive *k)
{
	char request[HTTP_REQUEST_SIZE];
	size_t length = http_build_head(request, k->server.name);
	ssize_t n = send(k->fd, request, length, MSG_NOSIGNAL);

	/* The last request was answered, so the send buffer has room for this one. */
	if (n != (ssize_t)length) {
		lose(k, "sending the request failed: %s", n < 0 ? strerror(errno) : "the connection is stuck");
		return;
	}
	memset(&k->response, 0, sizeof(k->response));
	k->asked = true;
	event_add(k->timer, &answer_timeout);
}

static void
take_answer(struct keepalive *k)
{
	struct timeval interval = {.tv_sec = k->worker->mapping.keep_alive_interval};

	k->asked = false;
	if (k->response.close) {
		lose(k, "the server closes the connection after its answer (HTTP status %d)", k->response.status);
		return;
	}
	log_debug("keep-alive answered by %s (HTTP status %d)", k->server.name, k->response.status);
	event_add(k->timer, &interval);
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct keepalive *k = arg;
	char data[4096];
	size_t used;
	ssize_t n = recv(fd, data, sizeof(data), 0);

	(void)what;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		lose(k, "%s", n == 0 ? "the server closed the connection" : strerror(errno));
		return;
	}
	if (!k->asked)
		return; /* a body that a HEAD's answer must not have, or a late word before the end */
	switch (http_feed(&k->response, data, (size_t)n, &used)) {
	case HTTP_DONE:
		take_answer(k);
		break;
	case HTTP_BAD:
		lose(k, "what it answers is not HTTP");
		break;
	case HTTP_MORE:
		break;
	}
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct keepalive *k = arg;

	(void)fd;
	(void)what;
	if (!k->up)
		lose(k, "no connection within %d s", (int)connect_timeout.tv_sec);
	else if (k->asked)
		lose(k, "no answer within %d s", (int)answer_timeout.tv_sec);
	else
		send_request(k);
}

static void
on_writable(evutil_socket_t fd, short what, void *arg)
{
	struct keepalive *k = arg;
	int error = net_socket_error(fd);
	unsigned int interval = k->worker->mapping.keep_alive_interval;
	struct timeval first = {.tv_sec = interval < FIRST_REQUEST_SECONDS ? interval : FIRST_REQUEST_SECONDS};

	(void)what;
	if (error != 0) {
		lose_connection(k, error);
		return;
	}
	k->up = true;
	k->up_at = net_now();
	event_add(k->readable, NULL);
	event_add(k->timer, &first);
	k->handlers.on_up(k->context);
}

static void
on_socket(void *context, int fd, int error)
{
	struct keepalive *k = context;
	char reason[REPORT_ERROR_SIZE];

	k->wish = NULL;
	if (fd < 0) {
		net_explain_no_socket(error, reason, sizeof(reason));
		k->handlers.on_lost(k->context, reason, -1);
		return;
	}
	k->fd = fd;
	net_set_reset_on_close(fd);
	if (connect(fd, &k->server.addr.sa, addr_len(&k->server.addr)) < 0 && errno != EINPROGRESS) {
		lose_connection(k, errno);
		return;
	}
	k->readable = event_new(k->worker->base, fd, EV_READ | EV_PERSIST, on_readable, k);
	k->writable = event_new(k->worker->base, fd, EV_WRITE, on_writable, k);
	if (k->readable == NULL || k->writable == NULL)
		fatal("out of memory");
	event_add(k->writable, NULL);
	event_add(k->timer, &connect_timeout);
}

struct keepalive *
keepalive_start(struct worker *worker, const struct server *server, const struct keepalive_handlers *handlers,
    void *context)
{
	struct keepalive *k = alloc_zero(sizeof(*k));

	k->worker = worker;
	k->server = *server;
	k->handlers = *handlers;
	k->context = context;
	k->fd = -1;
	k->timer = event_new(worker->base, -1, 0, on_timer, k);
	if (k->timer == NULL)
		fatal("out of memory");
	k->wish = uplink_ask_socket(worker->uplink, SOCKET_CONNECT, on_socket, k);
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
	if (k->fd >= 0)
		close(k->fd);
	free(k);
}

bool
keepalive_has_no_way(const struct keepalive *k)
{
	return k->has_no_way;
}

bool
keepalive_is_up(const struct keepalive *k)
{
	return k != NULL && k->up;
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
