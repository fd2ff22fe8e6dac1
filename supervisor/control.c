/* SPDX-License-Identifier: ISC */
/*
 * Clients of the control socket; see control.h.  The
 * socket itself is made in control_socket.c.
 */
#include "control.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/listener.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

#include "alloc.h"
#include "control_commands.h"
#include "control_socket.h"
#include "log.h"

#define REQUEST_MAX 65536
#define REQUEST_DEPTH_MAX 4
#define CLIENTS_MAX 64
/* Of these so many may wait for a check, whether they are still there or not. */
#define WAITING_MAX 16

static const struct timeval patience = {.tv_sec = 30};
static const struct timeval accept_pause = {.tv_sec = 1};

struct client {
	LIST_ENTRY(client) entry;
	struct bufferevent *stream;
	uid_t uid;      /* the effective one, at the time it connected */
	bool waiting;   /* for the result of a check; what else it sent is read afterwards */
	bool dismissed; /* what else it sent is not read any more */
	bool ended;     /* it sends no more */
};

static struct {
	struct event_base *base;
	struct control_socket socket;
	struct evconnlistener *listener;
	struct event *resume; /* accepting, after an error */
	LIST_HEAD(, client) clients;
	unsigned int client_count;
} control;

/* The one object that the line is, or NULL. */
static struct json_object *
parse_line(const char *line, size_t length)
{
	struct json_tokener *parser = json_tokener_new_ex(REQUEST_DEPTH_MAX);
	struct json_object *request;

	if (parser == NULL)
		return NULL;
	json_tokener_set_flags(parser, JSON_TOKENER_STRICT);
	request = json_tokener_parse_ex(parser, line, (int)length);
	if (json_tokener_get_parse_end(parser) != length || !json_object_is_type(request, json_type_object)) {
		json_object_put(request);
		request = NULL;
	}
	json_tokener_free(parser);
	return request;
}

static void
send_answer(struct client *c, struct json_object *answer)
{
	const char *text = json_object_to_json_string_ext(answer, JSON_C_TO_STRING_PLAIN);

	bufferevent_write(c->stream, text, strlen(text));
	bufferevent_write(c->stream, "\n", 1);
}

/* Ends a client that does not speak the protocol, after telling it so. */
static void
dismiss(struct client *c, const char *error)
{
	struct json_object *answer = json_object_new_object();

	control_commands_refuse(answer, error);
	send_answer(c, answer);
	json_object_put(answer);
	c->dismissed = true;
}

static unsigned int
count_waiting(void)
{
	const struct client *c;
	unsigned int n = 0;

	LIST_FOREACH(c, &control.clients, entry)
		n += c->waiting;
	return n;
}

/* natterd is the one that is slow now. */
static void
start_waiting(struct client *c, struct json_object *answer)
{
	if (count_waiting() >= WAITING_MAX) {
		control_commands_refuse(answer, "too many clients wait for a check; try again");
		send_answer(c, answer);
		return;
	}
	c->waiting = true;
	bufferevent_set_timeouts(c->stream, NULL, NULL);
}

static void
take_line(struct client *c, const char *line, size_t length)
{
	struct json_object *request = parse_line(line, length), *answer, *name;

	if (!json_object_object_get_ex(request, "command", &name) || !json_object_is_type(name, json_type_string)) {
		dismiss(c, "a request is one line with a JSON object that has a \"command\"");
	} else {
		answer = json_object_new_object();
		json_object_object_add(answer, "ok", json_object_new_boolean(1));
		if (control_commands_answer(request, json_object_get_string(name), c->uid, answer))
			send_answer(c, answer);
		else
			start_waiting(c, answer);
		json_object_put(answer);
	}
	json_object_put(request);
}

static void
client_free(struct client *c)
{
	LIST_REMOVE(c, entry);
	control.client_count--;
	bufferevent_free(c->stream);
	free(c);
}

static bool
is_busy(const struct client *c)
{
	return c->waiting || evbuffer_get_length(bufferevent_get_output(c->stream)) > 0;
}

/* One request at a time, and none while an answer is on its way: a client that
 * asks and does not read makes nothing grow here.  Nor is it listened to then, since
 * libevent would show a full buffer again and again. */
static void
serve(struct client *c)
{
	struct evbuffer *in = bufferevent_get_input(c->stream);
	size_t length;
	char *line;

	if (c->dismissed || is_busy(c))
		return;
	line = evbuffer_readln(in, &length, EVBUFFER_EOL_CRLF);
	if (line == NULL && evbuffer_get_length(in) >= REQUEST_MAX)
		dismiss(c, "the request is too long");
	else if (line != NULL)
		take_line(c, line, length);
	free(line);
	if (c->dismissed || is_busy(c))
		bufferevent_disable(c->stream, EV_READ);
	else
		bufferevent_enable(c->stream, EV_READ);
}

static void
on_readable(struct bufferevent *stream, void *context)
{
	(void)stream;
	serve(context);
}

/* The answer is out. */
static void
on_written(struct bufferevent *stream, void *context)
{
	struct client *c = context;

	(void)stream;
	serve(c); /* what came meanwhile */
	if ((c->dismissed || c->ended) && evbuffer_get_length(bufferevent_get_output(c->stream)) == 0)
		client_free(c);
}

static void
on_event(struct bufferevent *stream, short what, void *context)
{
	struct client *c = context;

	c->ended = true;
	/* Who asks no more still wants what is on its way, and on_written's next. */
	if ((what & BEV_EVENT_EOF) == 0 || evbuffer_get_length(bufferevent_get_output(stream)) == 0)
		client_free(c);
}

void
control_answer_waiting(struct json_object *answer)
{
	struct client *c;

	LIST_FOREACH(c, &control.clients, entry) {
		if (!c->waiting)
			continue;
		c->waiting = false;
		bufferevent_set_timeouts(c->stream, &patience, &patience);
		send_answer(c, answer);
	}
}

/* The kernel's word for who connected. */
static bool
find_uid(int fd, uid_t *uid)
{
	struct ucred peer;
	socklen_t length = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) < 0)
		return false;
	*uid = peer.uid;
	return true;
}

static bool
client_new(int fd)
{
	struct client *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return false;
	if (find_uid(fd, &c->uid))
		c->stream = bufferevent_socket_new(control.base, fd, BEV_OPT_CLOSE_ON_FREE);
	if (c->stream == NULL) {
		free(c);
		return false;
	}
	bufferevent_setcb(c->stream, on_readable, on_written, on_event, c);
	bufferevent_set_timeouts(c->stream, &patience, &patience);
	bufferevent_setwatermark(c->stream, EV_READ, 0, REQUEST_MAX);
	LIST_INSERT_HEAD(&control.clients, c, entry);
	control.client_count++;
	bufferevent_enable(c->stream, EV_READ | EV_WRITE);
	return true;
}

static void
on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *from, int length, void *context)
{
	static const char full[] = "{\"ok\":false,\"error\":\"natterd has too many clients now; try again\"}\n";

	(void)listener, (void)from, (void)length, (void)context;
	if (control.client_count < CLIENTS_MAX && client_new(fd))
		return;
	if (send(fd, full, strlen(full), MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		log_debug("control: a client too many left before it was refused");
	close(fd);
}

/* Without free descriptors accept fails at once again and again. */
static void
on_accept_error(struct evconnlistener *listener, void *context)
{
	(void)context;
	log_warning("control: a client could not be accepted: %s", strerror(EVUTIL_SOCKET_ERROR()));
	evconnlistener_disable(listener);
	evtimer_add(control.resume, &accept_pause);
}

static void
on_resume(evutil_socket_t fd, short what, void *context)
{
	(void)fd, (void)what, (void)context;
	evconnlistener_enable(control.listener);
}

int
control_open(struct event_base *base, const char *path, gid_t gid)
{
	if (control_socket_open(&control.socket, path, gid) < 0)
		return -1;
	control.base = base;
	control.resume = evtimer_new(base, on_resume, NULL);
	control.listener = evconnlistener_new(base, on_accept, NULL, LEV_OPT_CLOSE_ON_EXEC, 0, control.socket.fd);
	if (control.resume == NULL || control.listener == NULL)
		fatal("control: out of memory");
	evconnlistener_set_error_cb(control.listener, on_accept_error);
	return 0;
}

void
control_close(void)
{
	struct client *c;

	if (control.listener == NULL)
		return;
	while ((c = LIST_FIRST(&control.clients)) != NULL)
		client_free(c); /* NOLINT(clang-analyzer-unix.Malloc): it takes itself off the list */
	evconnlistener_free(control.listener);
	control.listener = NULL;
	event_free(control.resume);
	control_socket_close(&control.socket);
}
