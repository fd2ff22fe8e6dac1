/* SPDX-License-Identifier: ISC */
/*
 * One client of the control socket, and all of them; see control_client.h.
 */
#include "control_client.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>

#include "alloc_json.h"
#include "control.h"
#include "control_commands.h"
#include "control_watch.h"

#define REQUEST_MAX 65536
#define REQUEST_DEPTH_MAX 4
/* Of these so many may wait for a check, whether they are still there or not. */
#define WAITING_MAX 16

static const struct timeval patience = {.tv_sec = 30};

struct client {
	LIST_ENTRY(client) entry;
	struct bufferevent *stream;
	uid_t uid;      /* the effective one, at the time it connected */
	struct control_watch *watch; /* NULL: it does not watch */
	bool waiting;   /* for the result of a check; what else it sent is read afterwards */
	bool dismissed; /* what else it sent is not read any more */
	bool ended;     /* it sends no more */
};

static struct {
	LIST_HEAD(, client) all;
	unsigned int count;
} clients = {.all = LIST_HEAD_INITIALIZER(clients.all)};

unsigned int
control_clients_count(void)
{
	return clients.count;
}

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
	const char *text = alloc_json_text(answer);

	bufferevent_write(c->stream, text, strlen(text));
	bufferevent_write(c->stream, "\n", 1);
}

/* Ends a client that does not speak the protocol, after telling it so. */
static void
dismiss(struct client *c, const char *error)
{
	struct json_object *answer = alloc_json(json_object_new_object());

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

	LIST_FOREACH(c, &clients.all, entry)
		n += c->waiting;
	return n;
}

static void
refuse(struct client *c, struct json_object *answer, const char *error)
{
	control_commands_refuse(answer, error);
	send_answer(c, answer);
}

/* natterd is the one that is slow now. */
static void
start_waiting(struct client *c, struct json_object *answer)
{
	if (count_waiting() >= WAITING_MAX) {
		refuse(c, answer, "too many clients wait for a check; try again");
		return;
	}
	c->waiting = true;
	bufferevent_set_timeouts(c->stream, NULL, NULL);
}

/* A reader may be as slow as it likes, since nothing grows meanwhile. */
static void
start_watching(struct client *c, struct json_object *request, struct json_object *answer)
{
	c->watch = control_watch_new(json_object_get_string(json_object_object_get(request, "name")));
	if (c->watch == NULL) {
		refuse(c, answer, "too many clients watch; end one of them");
		return;
	}
	bufferevent_set_timeouts(c->stream, NULL, NULL);
	send_answer(c, answer); /* on_written tells the rest */
}

static void
take_line(struct client *c, const char *line, size_t length)
{
	struct json_object *request = parse_line(line, length), *answer, *name;

	if (!json_object_object_get_ex(request, "command", &name) || !json_object_is_type(name, json_type_string)) {
		dismiss(c, "a request is one line with a JSON object that has a \"command\"");
	} else {
		answer = alloc_json(json_object_new_object());
		json_object_object_add(answer, "ok", json_object_new_boolean(1));
		switch (control_commands_answer(request, json_object_get_string(name), c->uid, answer)) {
		case CONTROL_ANSWERED:
			send_answer(c, answer);
			break;
		case CONTROL_CHECKS:
			start_waiting(c, answer);
			break;
		case CONTROL_WATCHES:
			start_watching(c, request, answer);
			break;
		}
		json_object_put(answer);
	}
	json_object_put(request);
}

static void
client_free(struct client *c)
{
	LIST_REMOVE(c, entry);
	clients.count--;
	control_watch_free(c->watch);
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

	if (c->watch != NULL)
		evbuffer_drain(in, evbuffer_get_length(in)); /* only its end matters */
	if (c->dismissed || (c->watch == NULL && is_busy(c)))
		return;
	line = evbuffer_readln(in, &length, EVBUFFER_EOL_CRLF);
	if (line == NULL && evbuffer_get_length(in) >= REQUEST_MAX)
		dismiss(c, "the request is too long");
	else if (line != NULL)
		take_line(c, line, length);
	free(line);
	if (c->watch == NULL && (c->dismissed || is_busy(c)))
		bufferevent_disable(c->stream, EV_READ);
	else
		bufferevent_enable(c->stream, EV_READ);
}

/* If all that it was told is out. */
static void
tell_news(struct client *c)
{
	struct evbuffer *out = bufferevent_get_output(c->stream);

	if (c->watch != NULL && !c->ended && evbuffer_get_length(out) == 0)
		control_watch_tell(c->watch, out);
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
	tell_news(c);
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
control_report(const struct service *service, const struct report *old)
{
	struct client *c;

	(void)service, (void)old;
	LIST_FOREACH(c, &clients.all, entry)
		tell_news(c);
}

void
control_answer_waiting(struct json_object *answer)
{
	struct client *c;

	LIST_FOREACH(c, &clients.all, entry) {
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

bool
control_client_new(struct event_base *base, int fd)
{
	struct client *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return false;
	if (find_uid(fd, &c->uid))
		c->stream = bufferevent_socket_new(base, fd, BEV_OPT_CLOSE_ON_FREE);
	if (c->stream == NULL) {
		free(c);
		return false;
	}
	bufferevent_setcb(c->stream, on_readable, on_written, on_event, c);
	bufferevent_set_timeouts(c->stream, &patience, &patience);
	bufferevent_setwatermark(c->stream, EV_READ, 0, REQUEST_MAX);
	LIST_INSERT_HEAD(&clients.all, c, entry);
	clients.count++;
	bufferevent_enable(c->stream, EV_READ | EV_WRITE);
	return true;
}

void
control_clients_end(void)
{
	struct client *c;

	while ((c = LIST_FIRST(&clients.all)) != NULL)
		client_free(c); /* NOLINT(clang-analyzer-unix.Malloc): it takes itself off the list */
}
