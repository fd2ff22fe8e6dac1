/* SPDX-License-Identifier: ISC */
/*
 * One client of the control socket; see control_client.h.
 */
#include "control_client.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "alloc.h"
#include "alloc_json.h"
#include "control_client_state.h"
#include "control_commands.h"
#include "control_watch.h"
#include "log.h"
#include "stall.h"

#define REQUEST_MAX 65536
#define REQUEST_DEPTH_MAX 4

static const struct timeval patience = {.tv_sec = 30};

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

void
control_client_send(struct client *c, struct json_object *answer)
{
	const char *text = alloc_json_text(answer);

	if (evbuffer_add(c->out, text, strlen(text)) < 0 || evbuffer_add(c->out, "\n", 1) < 0)
		fatal("natterd: out of memory");
	event_add(c->writable, NULL);
	evtimer_add(c->deadline, &patience);
}

/* Ends a client that does not speak the protocol, after telling it so. */
static void
dismiss(struct client *c, const char *error)
{
	struct json_object *answer = alloc_json(json_object_new_object());

	control_commands_refuse(answer, error);
	control_client_send(c, answer);
	json_object_put(answer);
	c->dismissed = true;
}

static void
refuse(struct client *c, struct json_object *answer, const char *error)
{
	control_commands_refuse(answer, error);
	control_client_send(c, answer);
}

/* natterd is the one that is slow now. */
static void
start_waiting(struct client *c, struct json_object *answer)
{
	if (!control_clients_may_wait(c->uid)) {
		refuse(c, answer, "too many clients wait for a check; try again");
		return;
	}
	c->waiting = true;
	evtimer_del(c->deadline);
}

/* A reader may be as slow as it likes, since nothing grows meanwhile. */
static void
start_watching(struct client *c, struct json_object *request, struct json_object *answer)
{
	if (!control_clients_may_watch(c->uid)) {
		refuse(c, answer, "too many clients watch; end one of them");
		return;
	}
	c->watch = control_watch_new(json_object_get_string(json_object_object_get(request, "name")));
	control_client_send(c, answer); /* on_writable tells the rest */
	evtimer_del(c->deadline);
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
			control_client_send(c, answer);
			control_clients_limit_unread(c);
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

void
control_client_free(struct client *c)
{
	LIST_REMOVE(c, entry);
	control_watch_free(c->watch);
	event_free(c->readable);
	event_free(c->writable);
	event_free(c->deadline);
	evbuffer_free(c->in);
	evbuffer_free(c->out);
	stall_close(c->fd); /* descriptors may lie in it */
	free(c);
}

static bool
is_busy(const struct client *c)
{
	return c->waiting || evbuffer_get_length(c->out) > 0;
}

/* One request at a time, and none while an answer is on its way: a client that
 * asks and does not read makes nothing grow here.  Nor is it listened to then. */
static void
serve(struct client *c)
{
	size_t length;
	char *line;

	if (c->watch != NULL)
		evbuffer_drain(c->in, evbuffer_get_length(c->in)); /* only its end matters */
	if (c->dismissed || (c->watch == NULL && is_busy(c)))
		return;
	line = evbuffer_readln(c->in, &length, EVBUFFER_EOL_CRLF);
	if (line == NULL && evbuffer_get_length(c->in) >= REQUEST_MAX)
		dismiss(c, "the request is too long");
	else if (line != NULL)
		take_line(c, line, length);
	free(line);
	if (c->ended || (c->watch == NULL && (c->dismissed || is_busy(c))))
		event_del(c->readable);
	else
		event_add(c->readable, NULL);
}

void
control_client_tell_news(struct client *c)
{
	if (c->watch == NULL || c->ended || evbuffer_get_length(c->out) > 0)
		return;
	control_watch_tell(c->watch, c->out);
	if (evbuffer_get_length(c->out) > 0)
		event_add(c->writable, NULL);
}

/* Who asks no more still wants what is on its way, and the answers to what else it asked. */
static void
take_end(struct client *c)
{
	c->ended = true;
	event_del(c->readable);
	if (evbuffer_get_length(c->out) == 0)
		control_client_free(c);
}

static void
on_readable(evutil_socket_t fd, short what, void *context)
{
	struct client *c = context;
	int n;

	(void)what;
	stall_begin();
	n = evbuffer_read(c->in, fd, REQUEST_MAX - (int)evbuffer_get_length(c->in));
	stall_end();
	if (n > 0)
		serve(c);
	else if (n == 0)
		take_end(c);
	else if (errno != EAGAIN && errno != EINTR)
		control_client_free(c);
}

static void
on_writable(evutil_socket_t fd, short what, void *context)
{
	struct client *c = context;

	(void)what;
	if (evbuffer_write(c->out, fd) < 0 && errno != EAGAIN && errno != EINTR) {
		control_client_free(c);
		return;
	}
	if (evbuffer_get_length(c->out) > 0)
		return;
	event_del(c->writable);
	if (c->watch == NULL)
		evtimer_add(c->deadline, &patience);
	serve(c); /* what came meanwhile */
	control_client_tell_news(c);
	if ((c->dismissed || c->ended) && evbuffer_get_length(c->out) == 0)
		control_client_free(c);
}

/* Byte by byte makes no request longer. */
static void
on_deadline(evutil_socket_t fd, short what, void *context)
{
	(void)fd, (void)what;
	control_client_free(context);
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
	struct client *c;
	uid_t uid;

	if (!find_uid(fd, &uid))
		return false;
	control_clients_make_room(uid);
	c = alloc_zero(sizeof(*c));
	c->fd = fd;
	c->uid = uid;
	c->in = evbuffer_new();
	c->out = evbuffer_new();
	c->readable = event_new(base, fd, EV_READ | EV_PERSIST, on_readable, c);
	c->writable = event_new(base, fd, EV_WRITE | EV_PERSIST, on_writable, c);
	c->deadline = evtimer_new(base, on_deadline, c);
	if (c->in == NULL || c->out == NULL || c->readable == NULL || c->writable == NULL || c->deadline == NULL)
		fatal("natterd: out of memory");
	LIST_INSERT_HEAD(&control_clients, c, entry);
	event_add(c->readable, NULL);
	evtimer_add(c->deadline, &patience);
	return true;
}
