/* SPDX-License-Identifier: ISC */
/*
 * The steps of a NAT check; see natcheck.h.
 *
 * Each test has local ports of its own, because each is sensitive to what its
 * port did before (RFC 5780, 4.4): the mapped port asks how it is seen, fresh
 * ports ask what is let in, and what must not be answered is asked from others.
 */
#include "natcheck.h"

#include <errno.h>
#include <bsd/unistd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "alloc.h"
#include "hairpin.h"
#include "log.h"
#include "natcontrol.h"
#include "natfiltering.h"
#include "natmapping.h"
#include "natpath.h"
#include "net.h"
#include "uplink.h"

/* Servers that are asked to answer from elsewhere, each at a port of its own. */
#define FILTERINGS_MAX 4
#define BACKLOG 16

struct filtering {
	struct natcheck *check;
	struct natfiltering *test;  /* NULL: over */
	struct natcontrol *control; /* likewise */
	enum nat_filtering result;
	bool obeys; /* the server answers from other, as the control saw */
	struct addr other;
};

struct natcheck {
	struct worker *worker;
	struct servers servers;
	bool begun;
	bool reported;
	struct event *progress; /* looks whether everything is done, outside of all tests */
	struct natmapping *mapping;
	struct natpath *path;
	struct filtering filterings[FILTERINGS_MAX];
	unsigned int filtering_count;
	struct hairpin *hairpin;
	bool hairpin_begun;
	enum nat_answer hairpinning;
	struct socket_wish *wish;
	int fd; /* takes what arrives on the mapped port: listening, or unconnected; -1: nothing does */
	struct event *readable;
};

static bool
is_udp(const struct natcheck *c)
{
	return c->worker->mapping.protocol == PROTOCOL_UDP;
}

static void
look_later(void *context)
{
	struct natcheck *c = context;

	event_active(c->progress, EV_TIMEOUT, 0);
}

static void
on_filtering(void *context, enum nat_filtering result)
{
	struct filtering *f = context;

	f->result = result;
	natfiltering_free(f->test);
	f->test = NULL;
	if (result == NAT_FILTERING_UNKNOWN)
		natmapping_reject_group(f->check->mapping);
	look_later(f->check);
}

static void
on_control(void *context, bool obeys)
{
	struct filtering *f = context;

	f->obeys = obeys;
	natcontrol_free(f->control);
	f->control = NULL;
	look_later(f->check);
}

static void
start_filtering(struct natcheck *c, const struct server *server, const struct addr *other)
{
	struct filtering *f = &c->filterings[c->filtering_count++];

	f->check = c;
	f->other = *other;
	f->test = natfiltering_start(c->worker, server, other, on_filtering, f);
	f->control = natcontrol_start(c->worker, server, other, on_control, f);
}

static void
on_hairpin(void *context, bool reached)
{
	struct natcheck *c = context;

	c->hairpinning = reached ? NAT_YES : NAT_NO;
	hairpin_free(c->hairpin);
	c->hairpin = NULL;
	look_later(c);
}

static void
start_hairpin(struct natcheck *c, const struct probe_result *result)
{
	c->hairpin_begun = true;
	/* Without a NAT there is nothing that could turn a packet round. */
	if (c->fd >= 0 && !addr_equal(&result->mapped, &result->local))
		c->hairpin = hairpin_start(c->worker, &result->mapped, on_hairpin, c);
}

static void
on_answer(void *context, const struct server *server, const struct probe_result *result)
{
	struct natcheck *c = context;

	if (!c->hairpin_begun)
		start_hairpin(c, result);
	if (is_udp(c) && c->filtering_count < FILTERINGS_MAX && natmapping_is_alternate(&server->addr, &result->other))
		start_filtering(c, server, &result->other);
}

/* What was learned from silence counts only if an answer was sent.  A NAT that maps by
 * destination does not let the control see it: there it must do that the address is alive. */
static bool
is_silence_believed(const struct natcheck *c, const struct filtering *f)
{
	return f->obeys || (natmapping_is_dependent(c->mapping) && natmapping_has_answered(c->mapping, &f->other));
}

static enum nat_filtering
judge_filtering(const struct natcheck *c)
{
	enum nat_filtering best = NAT_FILTERING_UNKNOWN;
	unsigned int i;

	for (i = 0; i < c->filtering_count; i++) {
		const struct filtering *f = &c->filterings[i];

		if (f->result == NAT_FILTERING_UNKNOWN)
			continue;
		if (f->result != NAT_FILTERING_ENDPOINT_INDEPENDENT && !is_silence_believed(c, f))
			continue;
		/* The enum goes from open to closed: what one server's answer got through, gets through. */
		if (best == NAT_FILTERING_UNKNOWN || f->result < best)
			best = f->result;
	}
	return best;
}

static bool
is_filtering_done(const struct natcheck *c)
{
	unsigned int i;

	if (judge_filtering(c) == NAT_FILTERING_ENDPOINT_INDEPENDENT)
		return true;
	for (i = 0; i < c->filtering_count; i++) {
		const struct filtering *f = &c->filterings[i];

		if (f->test != NULL || (f->control != NULL && f->result != NAT_FILTERING_UNKNOWN))
			return false;
	}
	return true;
}

static void
report(struct natcheck *c)
{
	struct nat_report r = {0};

	c->reported = true;
	r.has_route = natpath_has_route(c->worker->mapping.bind.sa.sa_family);
	r.hairpinning = c->hairpinning;
	if (c->mapping != NULL) {
		natmapping_report(c->mapping, &r);
		natpath_report(c->path, &r);
		r.filtering = judge_filtering(c);
	}
	uplink_send_nat(c->worker->uplink, &r);
}

static void
on_progress(evutil_socket_t fd, short what, void *arg)
{
	struct natcheck *c = arg;

	(void)fd;
	(void)what;
	if (!c->reported && natmapping_is_done(c->mapping) && natpath_is_done(c->path) && c->hairpin == NULL &&
	    is_filtering_done(c))
		report(c);
}

static void
accept_connection(struct natcheck *c)
{
	struct sockaddr_storage from = {0};
	socklen_t length = sizeof(from);
	struct addr peer;
	int fd = accept4(c->fd, (struct sockaddr *)&from, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd < 0)
		return;
	if (c->hairpin == NULL || addr_from_sockaddr((struct sockaddr *)&from, &peer) < 0 ||
	    !hairpin_claim_connection(c->hairpin, fd, &peer))
		close(fd);
}

static void
on_arrival(evutil_socket_t fd, short what, void *arg)
{
	struct natcheck *c = arg;
	uint8_t data[2048];
	struct addr from;
	ssize_t n;

	(void)what;
	if (!is_udp(c)) {
		accept_connection(c);
		return;
	}
	n = net_receive(fd, data, sizeof(data), &from);
	if (n >= 0 && c->hairpin != NULL)
		hairpin_claim_datagram(c->hairpin, data, (size_t)n);
}

/* A datagram that another socket of the port met in the moment before its connect. */
static void
on_stray(void *context, const struct addr *client, const void *data, size_t length)
{
	struct natcheck *c = context;

	(void)client;
	if (c->hairpin != NULL)
		hairpin_claim_datagram(c->hairpin, data, length);
}

static void
start_tests(struct natcheck *c)
{
	c->mapping = natmapping_start(c->worker, &c->servers, on_answer, look_later, c);
	c->path = natpath_start(c->worker, &c->servers.stun[0].addr, look_later, c);
}

/* Without it only hairpinning stays unknown. */
static void
on_socket(void *context, int fd, int error)
{
	struct natcheck *c = context;

	c->wish = NULL;
	c->fd = fd;
	if (fd >= 0 && !is_udp(c) && listen(fd, BACKLOG) < 0) {
		error = errno;
		close(fd);
		c->fd = -1;
	}
	if (c->fd < 0) {
		log_warning("nothing can be received on the port that is checked: %s", strerror(error));
	} else {
		c->readable = event_new(c->worker->base, fd, EV_READ | EV_PERSIST, on_arrival, c);
		if (c->readable == NULL || event_add(c->readable, NULL) < 0)
			fatal("out of memory");
	}
	start_tests(c);
}

static void
on_servers(void *context, const struct servers *servers)
{
	struct natcheck *c = context;

	if (c->begun)
		return;
	c->begun = true;
	c->servers = *servers;
	if (servers->stun_count == 0) {
		report(c);
		return;
	}
	log_info("asking STUN servers, of which %u are known", servers->stun_count);
	c->wish = uplink_ask_socket(c->worker->uplink, SOCKET_SERVE, NULL, on_socket, c);
}

/* The supervisor's patience ends: what is known by now must do. */
static void
on_again(void *context, enum again_reason reason)
{
	struct natcheck *c = context;

	(void)reason;
	if (!c->reported)
		report(c);
}

struct natcheck *
natcheck_new(struct worker *worker)
{
	static const struct uplink_handlers handlers = {.on_servers = on_servers, .on_again = on_again};
	struct natcheck *c = alloc_zero(sizeof(*c));

	c->worker = worker;
	c->fd = -1;
	c->progress = event_new(worker->base, -1, 0, on_progress, c);
	if (c->progress == NULL)
		fatal("out of memory");
	worker->on_stray = on_stray;
	worker->stray_context = c;
	setproctitle("NAT check, %s", protocol_name((enum protocol)worker->mapping.protocol));
	uplink_set_handlers(worker->uplink, &handlers, c);
	return c;
}

void
natcheck_free(struct natcheck *c)
{
	unsigned int i;

	natmapping_free(c->mapping);
	natpath_free(c->path);
	hairpin_free(c->hairpin);
	for (i = 0; i < c->filtering_count; i++) {
		natfiltering_free(c->filterings[i].test);
		natcontrol_free(c->filterings[i].control);
	}
	if (c->wish != NULL)
		uplink_forget_socket(c->wish);
	if (c->readable != NULL)
		event_free(c->readable);
	event_free(c->progress);
	if (c->fd >= 0)
		close(c->fd);
	free(c);
}
