/* SPDX-License-Identifier: ISC */
/*
 * The way to the Internet; see natpath.h.
 */
#include "natpath.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <linux/errqueue.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "alloc.h"
#include "log.h"
#include "natdark.h"
#include "net.h"
#include "uplink.h"

/* As traceroute does: a datagram's port tells which one an error is about. */
#define FIRST_PORT 33434
/* Routers limit how many errors they send, so each is asked several times. */
#define ROUNDS 4
static const struct timeval round_time = {.tv_usec = 500000};

struct natpath {
	struct worker *worker;
	struct addr server;
	natpath_done *done;
	void *context;
	struct natdark *dark;
	enum nat_answer intercepted;
	struct socket_wish *wish;
	int fd;
	struct event *readable;
	struct event *timer;
	unsigned int rounds;
	struct addr hops[NAT_HOPS_MAX];
	unsigned int distance; /* of the server in hops; 0: it did not answer */
	bool hops_done;
};

static struct addr
unused_address(sa_family_t family)
{
	struct addr a;

	/* Reserved for documentation (RFC 5737, RFC 3849): nobody has it. */
	addr_parse(family == AF_INET6 ? "2001:db8::1" : "192.0.2.1", 0, &a);
	return a;
}

bool
natpath_has_route(sa_family_t family)
{
	struct addr to = unused_address(family);
	int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool has;

	if (fd < 0)
		return false;
	addr_set_port(&to, FIRST_PORT);
	has = connect(fd, &to.sa, addr_len(&to)) == 0;
	close(fd);
	return has;
}

bool
natpath_is_done(const struct natpath *p)
{
	return p->dark == NULL && p->hops_done;
}

static void
end_hops(struct natpath *p)
{
	p->hops_done = true;
	event_del(p->timer);
	if (p->readable != NULL)
		event_del(p->readable);
	p->done(p->context);
}

/* Are all routers before the server known? */
static bool
is_complete(const struct natpath *p)
{
	unsigned int i;

	if (p->distance == 0)
		return false;
	for (i = 0; i + 1 < p->distance; i++)
		if (!addr_is_set(&p->hops[i]))
			return false;
	return true;
}

static void
take_error(struct natpath *p, const struct sock_extended_err *error, const struct addr *asked)
{
	unsigned int hop = addr_port(asked) - FIRST_PORT; /* 1 is the first */
	struct addr router;

	if (error->ee_origin != SO_EE_ORIGIN_ICMP || hop < 1 || hop > NAT_HOPS_MAX ||
	    addr_from_sockaddr(SO_EE_OFFENDER(error), &router) < 0)
		return;
	addr_set_port(&router, 0);
	if (error->ee_type == ICMP_TIME_EXCEEDED)
		p->hops[hop - 1] = router;
	else if (addr_same_ip(&router, &p->server) && (p->distance == 0 || hop < p->distance))
		p->distance = hop;
}

/* Returns false when there is no more. */
static bool
read_error(struct natpath *p)
{
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(sizeof(struct sock_extended_err) + sizeof(struct sockaddr_in))];
	} control;
	struct addr asked = {0};
	struct msghdr msg = {
	    .msg_name = &asked,
	    .msg_namelen = sizeof(asked),
	    .msg_control = &control,
	    .msg_controllen = sizeof(control),
	};
	struct sock_extended_err error[2]; /* and the offender's address behind it */
	struct cmsghdr *c;

	if (recvmsg(p->fd, &msg, MSG_ERRQUEUE) < 0)
		return false;
	for (c = CMSG_FIRSTHDR(&msg); c != NULL; c = CMSG_NXTHDR(&msg, c)) {
		if (c->cmsg_level != IPPROTO_IP || c->cmsg_type != IP_RECVERR ||
		    c->cmsg_len > CMSG_LEN(sizeof(error)))
			continue;
		memset(error, 0, sizeof(error));
		memcpy(error, CMSG_DATA(c), c->cmsg_len - CMSG_LEN(0));
		take_error(p, error, &asked);
	}
	return true;
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct natpath *p = arg;
	uint8_t data[16];
	struct addr from;

	(void)what;
	while (read_error(p))
		;
	/* The server has nothing to say at these ports; whatever it is, it must go. */
	while (net_receive(fd, data, sizeof(data), &from) >= 0)
		;
	if (is_complete(p))
		end_hops(p);
}

/* One datagram for each distance. */
static void
send_round(struct natpath *p)
{
	struct addr to = p->server;
	int hop;

	for (hop = 1; hop <= NAT_HOPS_MAX; hop++) {
		addr_set_port(&to, (uint16_t)(FIRST_PORT + hop));
		/* An error that is still pending makes the first try fail. */
		if (setsockopt(p->fd, IPPROTO_IP, IP_TTL, &hop, sizeof(hop)) < 0 ||
		    (sendto(p->fd, "", 0, 0, &to.sa, addr_len(&to)) < 0 &&
			sendto(p->fd, "", 0, 0, &to.sa, addr_len(&to)) < 0))
			log_debug("cannot send over %d hops: %s", hop, strerror(errno));
	}
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct natpath *p = arg;

	(void)fd;
	(void)what;
	if (p->rounds++ == ROUNDS) {
		end_hops(p);
		return;
	}
	send_round(p);
	event_add(p->timer, &round_time);
}

static void
on_socket(void *context, int fd, int error)
{
	struct natpath *p = context;
	int on = 1;

	p->wish = NULL;
	p->fd = fd;
	if (fd < 0 || setsockopt(fd, IPPROTO_IP, IP_RECVERR, &on, sizeof(on)) < 0) {
		log_debug("cannot look for routers on the way: %s", strerror(fd < 0 ? error : errno));
		end_hops(p);
		return;
	}
	p->readable = event_new(p->worker->base, fd, EV_READ | EV_PERSIST, on_readable, p);
	if (p->readable == NULL)
		fatal("out of memory");
	event_add(p->readable, NULL);
	on_timer(-1, 0, p);
}

static void
on_dark(void *context, enum nat_answer answered)
{
	struct natpath *p = context;

	natdark_free(p->dark);
	p->dark = NULL;
	p->intercepted = answered;
	p->done(p->context);
}

void
natpath_report(const struct natpath *p, struct nat_report *report)
{
	unsigned int i, most = p->distance > 0 ? p->distance - 1 : NAT_HOPS_MAX;

	report->intercepted = p->intercepted;
	for (i = 0; i < most; i++) {
		report->hops[i] = p->hops[i];
		if (addr_is_set(&p->hops[i]))
			report->hop_count = i + 1;
	}
}

struct natpath *
natpath_start(struct worker *worker, const struct addr *server, natpath_done *done, void *context)
{
	struct natpath *p = alloc_zero(sizeof(*p));
	struct addr unused = unused_address(server->sa.sa_family);

	p->worker = worker;
	p->server = *server;
	p->done = done;
	p->context = context;
	p->fd = -1;
	p->timer = event_new(worker->base, -1, 0, on_timer, p);
	if (p->timer == NULL)
		fatal("out of memory");
	p->dark = natdark_start(worker, &unused, on_dark, p);
	/* Routers are looked for once, and IPv6 has no NATs in a row worth the name. */
	p->hops_done = worker->mapping.protocol != PROTOCOL_UDP || server->sa.sa_family != AF_INET;
	if (!p->hops_done)
		p->wish = uplink_ask_socket(worker->uplink, SOCKET_FRESH, NULL, on_socket, p);
	return p;
}

void
natpath_free(struct natpath *p)
{
	if (p == NULL)
		return;
	natdark_free(p->dark);
	if (p->wish != NULL)
		uplink_forget_socket(p->wish);
	if (p->readable != NULL)
		event_free(p->readable);
	event_free(p->timer);
	if (p->fd >= 0)
		close(p->fd);
	free(p);
}
