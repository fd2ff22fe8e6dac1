/* SPDX-License-Identifier: ISC */
/*
 * The way to the supervisor; see uplink.h.
 */
#include "uplink.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <unistd.h>

#include "alloc.h"
#include "net.h"
#include "pages.h"

static const struct timeval counters_delay = {.tv_sec = 1};
/* A supervisor that does not read for a moment gets the newest state later. */
static const struct timeval retry_delay = {.tv_usec = 100000};

struct socket_wish {
	STAILQ_ENTRY(socket_wish) entry;
	struct socket_request request;
	bool sent;
	uplink_socket_cb *done; /* NULL: forgotten */
	void *context;
};

struct uplink {
	struct event_base *base;
	int fd;
	struct event *readable;
	struct event *report_timer;
	struct event *wish_timer;
	struct uplink_handlers handlers;
	void *context;
	/* Answered in the order in which they were asked. */
	STAILQ_HEAD(, socket_wish) wishes;
	struct report current;
	struct report sent;
	bool said; /* that there is one; natterd waits for it */
};

/* A connection would live on in the supervisor's duplicate, or be in the way of the next one from the
 * same port. */
static void
throw_away(int fd, const struct socket_request *request)
{
	if (request->use == SOCKET_KEEP || addr_is_set(&request->to))
		net_disconnect(fd);
	close(fd);
}

static void
answer_wish(struct uplink *u, const struct message *m)
{
	struct socket_wish *wish = STAILQ_FIRST(&u->wishes);
	const struct socket_answer *answer = &m->socket_answer;

	if (wish == NULL || m->length != sizeof(m->socket_answer) || (m->fd < 0) != (answer->error != 0))
		fatal("the supervisor sent a wrong answer to a wish for a socket");
	STAILQ_REMOVE_HEAD(&u->wishes, entry);
	if (wish->done != NULL)
		wish->done(wish->context, m->fd, (int)(m->fd < 0 ? answer->error : answer->connect_error));
	else if (m->fd >= 0)
		throw_away(m->fd, &wish->request);
	free(wish);
}

static void
dispatch(struct uplink *u, const struct message *m)
{
	switch (m->kind) {
	case MESSAGE_MAPPING:
		if (m->length != sizeof(m->mapping) || u->handlers.on_mapping == NULL)
			break;
		u->handlers.on_mapping(u->context, &m->mapping);
		return;
	case MESSAGE_SERVERS:
		if (m->length != sizeof(m->servers))
			break;
		u->handlers.on_servers(u->context, &m->servers);
		return;
	case MESSAGE_AGAIN:
		if (m->length != sizeof(m->again) || m->again.reason >= AGAIN_REASON_COUNT)
			break;
		u->handlers.on_again(u->context, (enum again_reason)m->again.reason);
		return;
	case MESSAGE_DUTY:
		if (m->length != sizeof(m->duty) || u->handlers.on_duty == NULL)
			break;
		u->handlers.on_duty(u->context, &m->duty);
		return;
	case MESSAGE_SOCKET:
		answer_wish(u, m);
		return;
	default:
		break;
	}
	fatal("the supervisor sent a message of kind %u with %zu bytes, which has no meaning here", m->kind, m->length);
}

static void
take_message(struct uplink *u, struct message *m)
{
	int n = message_receive(u->fd, m);

	if (n == 1)
		dispatch(u, m);
	else if (n == 0 || errno != EAGAIN)
		event_base_loopbreak(u->base); /* natterd is gone or wants us to leave */
}

/* Where its pages stay for good: for when there is no memory, which is no reason to leave. */
static void __attribute__((noinline))
take_on_stack(struct uplink *u)
{
	struct message m;

	take_message(u, &m);
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct uplink *u = arg;
	struct message *m = pages_new(sizeof(*m));

	(void)fd;
	(void)what;
	if (m == NULL) {
		take_on_stack(u);
		return;
	}
	take_message(u, m);
	pages_free(m, sizeof(*m));
}

static void
send_report(struct uplink *u)
{
	if (message_send(u->fd, MESSAGE_REPORT, &u->current, sizeof(u->current), -1) == 0) {
		u->sent = u->current;
		u->said = true;
	} else if (errno == EAGAIN) {
		event_add(u->report_timer, &retry_delay);
	}
}

static void
on_report_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	send_report(arg);
}

/* In their order; what finds no room now is sent later. */
static void
send_wishes(struct uplink *u)
{
	struct socket_wish *wish;

	STAILQ_FOREACH(wish, &u->wishes, entry) {
		if (wish->sent)
			continue;
		wish->sent = message_send(u->fd, MESSAGE_SOCKET, &wish->request, sizeof(wish->request), -1) == 0;
		if (wish->sent)
			continue;
		if (errno == EAGAIN)
			event_add(u->wish_timer, &retry_delay);
		return; /* other errors are seen as the end of the socket */
	}
}

static void
on_wish_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	send_wishes(arg);
}

struct uplink *
uplink_new(struct event_base *base, int fd)
{
	struct uplink *u = alloc_zero(sizeof(*u));

	u->base = base;
	u->fd = fd;
	STAILQ_INIT(&u->wishes);
	evutil_make_socket_nonblocking(fd);
	u->readable = event_new(base, fd, EV_READ | EV_PERSIST, on_readable, u);
	u->report_timer = event_new(base, -1, 0, on_report_timer, u);
	u->wish_timer = event_new(base, -1, 0, on_wish_timer, u);
	if (u->readable == NULL || u->report_timer == NULL || u->wish_timer == NULL || event_add(u->readable, NULL) < 0)
		fatal("cannot watch the supervisor's socket");
	return u;
}

void
uplink_set_handlers(struct uplink *u, const struct uplink_handlers *handlers, void *context)
{
	u->handlers = *handlers;
	u->context = context;
}

void
uplink_free(struct uplink *u)
{
	struct socket_wish *wish;

	while ((wish = STAILQ_FIRST(&u->wishes)) != NULL) {
		STAILQ_REMOVE_HEAD(&u->wishes, entry);
		free(wish);
	}
	event_free(u->wish_timer);
	event_free(u->report_timer);
	event_free(u->readable);
	free(u);
}

void
uplink_receive_mapping(int fd, struct mapping *out)
{
	struct message *m = pages_new(sizeof(*m)); /* on the stack they would stay */
	int n;

	if (m == NULL)
		fatal("no memory to begin with");
	n = message_receive(fd, m);
	if (n == 0)
		exit(EXIT_SUCCESS); /* natterd changed its mind before we began */
	if (n < 0 || m->kind != MESSAGE_MAPPING || m->length != sizeof(m->mapping) || m->fd >= 0)
		fatal("the supervisor did not begin with the mapping");
	*out = m->mapping;
	pages_free(m, sizeof(*m));
}

void
uplink_report(struct uplink *u, const struct report *report)
{
	u->current = *report;
	if (!report_same_news(&u->current, &u->sent))
		send_report(u);
	else if ((!u->said || memcmp(&u->current, &u->sent, sizeof(u->sent)) != 0) && !event_pending(u->report_timer, EV_TIMEOUT, NULL))
		event_add(u->report_timer, &counters_delay);
}

void
uplink_send_nat(struct uplink *u, const struct nat_report *report)
{
	/* It is the last word of a worker that said little: there is room for it. */
	if (message_send(u->fd, MESSAGE_NAT, report, sizeof(*report), -1) < 0)
		fatal("cannot send the result of the check: %s", strerror(errno));
}

void
uplink_tell_server(struct uplink *u, const struct addr *server, bool good)
{
	struct server_news news = {.addr = *server, .good = good};

	/* A supervisor that does not read for a moment hears it when the server fails again. */
	(void)message_send(u->fd, MESSAGE_SERVER, &news, sizeof(news), -1);
}

/* The same wish for a connection, whose answer nobody waits for any more but is still to come. */
static struct socket_wish *
find_forgotten(struct uplink *u, enum socket_use use, const struct addr *to)
{
	struct socket_wish *wish;

	STAILQ_FOREACH(wish, &u->wishes, entry)
		if (wish->done == NULL && wish->request.use == use && addr_equal(&wish->request.to, to))
			return wish;
	return NULL;
}

static struct socket_wish *
add_wish(struct uplink *u, enum socket_use use, const struct addr *to)
{
	struct socket_wish *wish = alloc_zero(sizeof(*wish));

	wish->request.use = use;
	if (to != NULL)
		wish->request.to = *to;
	STAILQ_INSERT_TAIL(&u->wishes, wish, entry);
	return wish;
}

struct socket_wish *
uplink_ask_socket(struct uplink *u, enum socket_use use, const struct addr *to, uplink_socket_cb *done, void *context)
{
	/* natterd would begin another connection between the same two addresses before the first could be
	 * ended here, and be refused that. */
	struct socket_wish *wish = to != NULL ? find_forgotten(u, use, to) : NULL;

	if (wish == NULL)
		wish = add_wish(u, use, to);
	wish->done = done;
	wish->context = context;
	send_wishes(u);
	return wish;
}

void
uplink_forget_socket(struct socket_wish *wish)
{
	uplink_redirect_socket(wish, NULL, NULL);
}

void
uplink_redirect_socket(struct socket_wish *wish, uplink_socket_cb *done, void *context)
{
	wish->done = done;
	wish->context = context;
}

void
uplink_log(enum log_level level, const char *text)
{
	struct log_record record = {.level = level};
	size_t length = strlen(text) + 1;

	memcpy(record.text, text, length);
	/* A line that finds no room is lost: logging must never hold up a worker. */
	(void)message_send(MESSAGE_WORKER_FD, MESSAGE_LOG, &record, offsetof(struct log_record, text) + length, -1);
}
