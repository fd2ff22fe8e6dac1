/* SPDX-License-Identifier: ISC */
/*
 * The relay of a TCP mapping; see relay.h.  Accepts clients; what becomes of
 * them is connections.c's, or testpage.c's.  A lack of descriptors or memory costs at most the
 * client that was just accepted; others wait.
 */
#include "relay.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "connections.h"
#include "log.h"
#include "net.h"
#include "target.h"
#include "testpage.h"

#define BACKLOG 4096
/* How many clients are accepted before others have their turn. */
#define ACCEPT_TURN 64

static const struct timeval accept_pause = {.tv_usec = 100000};

struct relay_tcp {
	const struct mapping *mapping;
	struct relay_counters *counters;
	struct connections *connections; /* NULL: the test page has the clients */
	struct testpage *page;
	struct event_base *base;
	int fd; /* -1: the port is another program's */
	struct event *acceptable;
	struct event *resume_timer; /* ends a pause of accepting */
	bool short_of_room;         /* logged; until a client is accepted again */
};

/* Clients wait in the backlog meanwhile, instead of keeping the loop busy. */
static void
pause_accepting(struct relay_tcp *r, int error)
{
	if (!r->short_of_room)
		relay_count_failure(r->counters, error);
	if (!r->short_of_room)
		log_warning("no room for more than %llu connections (%s): new ones have to wait",
		    (unsigned long long)r->counters->connections, strerror(error));
	r->short_of_room = true;
	event_del(r->acceptable);
	event_add(r->resume_timer, &accept_pause);
}

static void
on_resume(evutil_socket_t fd, short what, void *arg)
{
	struct relay_tcp *r = arg;

	(void)fd;
	(void)what;
	if (event_add(r->acceptable, NULL) < 0)
		event_add(r->resume_timer, &accept_pause);
}

/* Returns as accept4(2) does. */
static int
accept_client(struct relay_tcp *r, struct addr *peer)
{
	struct sockaddr_in6 from;
	socklen_t length = sizeof(from);
	int fd = accept4(r->fd, (struct sockaddr *)&from, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd >= 0)
		(void)addr_from_sockaddr((struct sockaddr *)&from, peer);
	return fd;
}

static bool
is_claimed(const struct relay_tcp *r, int fd, const struct addr *peer)
{
	const struct relay_counters *c = r->counters;

	return c->claim_connection != NULL && c->claim_connection(c->context, fd, peer);
}

static int
start_client(struct relay_tcp *r, int fd, const struct addr *peer)
{
	return r->page != NULL ? testpage_start(r->page, fd) : connections_start(r->connections, fd, peer);
}

static void
on_acceptable(evutil_socket_t fd, short what, void *arg)
{
	struct relay_tcp *r = arg;
	struct addr peer;
	int i, client;

	(void)fd;
	(void)what;
	for (i = 0; i < ACCEPT_TURN; i++) {
		client = accept_client(r, &peer);
		if (client < 0 && errno == EAGAIN)
			return;
		if (client < 0 && !net_is_shortage(errno))
			continue; /* accept(2): an error of that one connection */
		if (client >= 0 && is_claimed(r, client, &peer))
			continue;
		if (client < 0 || start_client(r, client, &peer) < 0) {
			pause_accepting(r, errno);
			return;
		}
		r->short_of_room = false;
	}
}

void
relay_tcp_inject(struct relay_tcp *relay, const struct addr *client, int fd)
{
	if (start_client(relay, fd, client) < 0)
		pause_accepting(relay, errno);
}

bool
relay_tcp_has_port(const struct relay_tcp *relay)
{
	return relay->fd >= 0;
}

void
relay_tcp_leave_port(struct relay_tcp *relay)
{
	if (relay->acceptable != NULL)
		event_free(relay->acceptable);
	relay->acceptable = NULL;
	if (relay->resume_timer != NULL)
		event_del(relay->resume_timer);
	if (relay->fd >= 0)
		close(relay->fd);
	relay->fd = -1;
}

int
relay_tcp_take_port(struct relay_tcp *relay, int fd)
{
	int error;

	relay->fd = fd;
	target_set_options(fd, relay->mapping);
	if (listen(fd, BACKLOG) == 0) {
		relay->acceptable = event_new(relay->base, fd, EV_READ | EV_PERSIST, on_acceptable, relay);
		errno = ENOMEM;
		if (relay->acceptable != NULL && event_add(relay->acceptable, NULL) == 0)
			return 0;
	}
	error = errno;
	relay_tcp_leave_port(relay);
	errno = error;
	return -1;
}

void
relay_tcp_change(struct relay_tcp *relay)
{
	int usual = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (relay->fd >= 0)
		target_change_options(relay->fd, usual, relay->mapping);
	if (usual >= 0)
		close(usual);
	if (relay->connections != NULL)
		connections_change(relay->connections);
}

static int
start(struct relay_tcp *r, int fd)
{
	r->fd = fd;
	if (r->mapping->test_page != 0)
		r->page = testpage_new(r->base, TESTPAGE_SECONDS, r->counters);
	else
		r->connections = connections_new(r->base, r->mapping, r->counters);
	r->resume_timer = event_new(r->base, -1, 0, on_resume, r);
	errno = ENOMEM;
	if ((r->connections == NULL && r->page == NULL) || r->resume_timer == NULL)
		return -1;
	return relay_tcp_take_port(r, fd);
}

struct relay_tcp *
relay_tcp_open(struct event_base *base, const struct mapping *mapping, int fd, struct relay_counters *counters)
{
	struct relay_tcp *r = calloc(1, sizeof(*r));
	int error;

	if (r == NULL) {
		close(fd);
		errno = ENOMEM;
		return NULL;
	}
	r->base = base;
	r->mapping = mapping;
	r->counters = counters;
	if (start(r, fd) == 0)
		return r;
	error = errno;
	relay_tcp_close(r);
	errno = error;
	return NULL;
}

void
relay_tcp_close(struct relay_tcp *relay)
{
	if (relay == NULL)
		return;
	relay_tcp_leave_port(relay);
	if (relay->resume_timer != NULL)
		event_free(relay->resume_timer);
	testpage_free(relay->page);
	connections_free(relay->connections);
	free(relay);
}
