/* SPDX-License-Identifier: ISC */
/*
 * The test page; see testpage.h.  As much of HTTP/1.1 (RFC 9112) as one answer
 * on each connection needs: the head of a request is read line by line, every
 * path has the same page, and the connection ends with it.
 */
#include "testpage.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

/* v0.9's. */
#define PAGE "<h1>It works!</h1><hr/>Natter"

enum method {
	METHOD_NONE, /* no request line yet */
	METHOD_GET,
	METHOD_HEAD,
	METHOD_OTHER,
};

struct visit {
	TAILQ_ENTRY(visit) entry;
	struct testpage *page;
	struct bufferevent *stream;
	struct event *deadline;
	enum method method;
	size_t received; /* in all */
	size_t unread;   /* of these, what is still in the stream's buffer */
	size_t answered; /* bytes of the answer; 0: there is none yet */
	bool ended;      /* the client sends nothing more */
};

struct testpage {
	struct event_base *base;
	struct timeval time;
	struct relay_counters *counters;
	TAILQ_HEAD(, visit) visits; /* the oldest first */
	unsigned int count;
};

static void
end_visit(struct visit *v)
{
	struct testpage *page = v->page;

	TAILQ_REMOVE(&page->visits, v, entry);
	page->count--;
	bufferevent_free(v->stream);
	event_free(v->deadline);
	free(v);
	relay_count_end(page->counters);
}

static void
on_deadline(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	end_visit(arg);
}

/* Nobody shall see an older answer and take the port for open. */
static void
answer(struct visit *v, const char *status)
{
	struct evbuffer *out = bufferevent_get_output(v->stream);
	const char *page = strcmp(status, "200 OK") == 0 ? PAGE : status;

	evbuffer_add_printf(out,
	    "HTTP/1.1 %s\r\nContent-Type: text/html\r\nContent-Length: %zu\r\nCache-Control: no-store\r\n"
	    "Allow: GET, HEAD\r\nConnection: close\r\n\r\n%s",
	    status, strlen(page), v->method == METHOD_HEAD ? "" : page);
	v->answered = evbuffer_get_length(out);
}

static enum method
find_method(const char *line, size_t length)
{
	if (length > 4 && memcmp(line, "GET ", 4) == 0)
		return METHOD_GET;
	return length > 5 && memcmp(line, "HEAD ", 5) == 0 ? METHOD_HEAD : METHOD_OTHER;
}

/* RFC 9112, 3: "method target HTTP/1.x". */
static bool
is_request_line(const char *line, size_t length)
{
	const char *version = memrchr(line, ' ', length);

	return version != NULL && version > line && length - (size_t)(version - line) > 8 &&
	       memcmp(version, " HTTP/1.", 8) == 0 && memchr(line, ' ', length) != version;
}

static void
take_line(struct visit *v, const char *line, size_t length)
{
	if (v->method == METHOD_NONE && length == 0)
		return; /* RFC 9112, 2.2: empty lines before the request are passed over */
	if (v->method == METHOD_NONE && !is_request_line(line, length))
		answer(v, "400 Bad Request");
	else if (v->method == METHOD_NONE)
		v->method = find_method(line, length);
	else if (length == 0)
		answer(v, v->method == METHOD_OTHER ? "405 Method Not Allowed" : "200 OK");
}

static void
read_head(struct visit *v, struct evbuffer *in)
{
	size_t length;
	char *line;

	while (v->answered == 0 && (line = evbuffer_readln(in, &length, EVBUFFER_EOL_CRLF)) != NULL) {
		take_line(v, line, length);
		free(line);
	}
	if (v->answered == 0 && v->received > TESTPAGE_HEAD_MAX)
		answer(v, "431 Request Header Fields Too Large");
}

static void
on_read(struct bufferevent *stream, void *arg)
{
	struct visit *v = arg;
	struct evbuffer *in = bufferevent_get_input(stream);
	size_t new = evbuffer_get_length(in) - v->unread;

	v->received += new;
	v->page->counters->bytes_in += new;
	read_head(v, in);
	if (v->answered > 0)
		evbuffer_drain(in, evbuffer_get_length(in)); /* a request's body, or more requests */
	v->unread = evbuffer_get_length(in);
}

/* The answer is on its way.  A close while something is unread would reset the
 * connection and could take the answer from the client (RFC 9112, 9.6): so the
 * client has the last word, within its time. */
static void
on_written(struct bufferevent *stream, void *arg)
{
	struct visit *v = arg;

	if (v->answered == 0)
		return;
	v->page->counters->bytes_out += v->answered;
	v->answered = SIZE_MAX; /* and is counted once */
	bufferevent_disable(stream, EV_WRITE);
	if (v->ended)
		end_visit(v);
	else
		shutdown(bufferevent_getfd(stream), SHUT_WR);
}

static void
on_end(struct bufferevent *stream, short what, void *arg)
{
	struct visit *v = arg;

	v->ended = true;
	if ((what & BEV_EVENT_EOF) == 0 || evbuffer_get_length(bufferevent_get_output(stream)) == 0)
		end_visit(v);
}

static struct visit *
new_visit(struct testpage *page, int fd)
{
	struct visit *v = calloc(1, sizeof(*v));

	if (v == NULL)
		return NULL;
	v->page = page;
	v->stream = bufferevent_socket_new(page->base, fd, BEV_OPT_CLOSE_ON_FREE);
	v->deadline = evtimer_new(page->base, on_deadline, v);
	if (v->stream != NULL && v->deadline != NULL)
		return v;
	if (v->deadline != NULL)
		event_free(v->deadline);
	if (v->stream != NULL) {
		bufferevent_setfd(v->stream, -1); /* the caller's again */
		bufferevent_free(v->stream);
	}
	free(v);
	return NULL;
}

int
testpage_start(struct testpage *page, int fd)
{
	struct visit *v = new_visit(page, fd);

	if (v == NULL) {
		close(fd);
		errno = ENOMEM;
		return -1;
	}
	if (page->count >= TESTPAGE_CONNECTIONS)
		end_visit(TAILQ_FIRST(&page->visits));
	TAILQ_INSERT_TAIL(&page->visits, v, entry);
	page->count++;
	relay_count_begin(page->counters);
	bufferevent_setcb(v->stream, on_read, on_written, on_end, v);
	/* The kernel keeps waiting what is more than a head may be. */
	bufferevent_setwatermark(v->stream, EV_READ, 0, TESTPAGE_HEAD_MAX + 1);
	bufferevent_enable(v->stream, EV_READ | EV_WRITE);
	event_add(v->deadline, &page->time);
	return 0;
}

struct testpage *
testpage_new(struct event_base *base, unsigned int seconds, struct relay_counters *counters)
{
	struct testpage *page = calloc(1, sizeof(*page));

	if (page == NULL)
		return NULL;
	page->base = base;
	page->time.tv_sec = seconds;
	page->counters = counters;
	TAILQ_INIT(&page->visits);
	return page;
}

void
testpage_free(struct testpage *page)
{
	struct visit *v;

	if (page == NULL)
		return;
	while ((v = TAILQ_FIRST(&page->visits)) != NULL)
		end_visit(v); /* NOLINT(clang-analyzer-unix.Malloc): it takes itself off the list */
	free(page);
}
