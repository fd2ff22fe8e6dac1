/* SPDX-License-Identifier: ISC */
/*
 * The rtnetlink listener; see netwatch.h.
 */
#include "netwatch.h"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <unistd.h>

#define GROUPS (RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR | RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE)

/* A link that comes up brings a dozen messages: its addresses, then its routes. */
static const struct timeval settle_time = {.tv_usec = 200000};

/* Routers that announce themselves again and again must not make every mapping
 * ask its servers each time. */
static const struct timeval pause_time = {.tv_sec = 5};

static struct {
	bool told; /* less than pause_time ago */
	bool owed; /* something changed that was not told yet */
	int fd;
	struct event *readable;
	struct event *settled;
	void (*changed)(void);
} netwatch = {.fd = -1};

static void
on_settled(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	if (netwatch.told) {
		netwatch.told = false;
		if (!netwatch.owed)
			return;
	}
	netwatch.owed = false;
	netwatch.told = true;
	event_add(netwatch.settled, &pause_time);
	netwatch.changed();
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	char messages[8192];
	ssize_t n;

	(void)what;
	(void)arg;
	do
		n = recv(fd, messages, sizeof(messages), MSG_DONTWAIT);
	while (n > 0);
	/* Also after ENOBUFS: what was lost was a change, too. */
	netwatch.owed = true;
	if (!event_pending(netwatch.settled, EV_TIMEOUT, NULL))
		event_add(netwatch.settled, &settle_time);
}

int
netwatch_open(struct event_base *base, void (*changed)(void))
{
	struct sockaddr_nl kernel = {.nl_family = AF_NETLINK, .nl_groups = GROUPS};

	netwatch.changed = changed;
	netwatch.fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
	if (netwatch.fd < 0)
		return -1;
	netwatch.readable = event_new(base, netwatch.fd, EV_READ | EV_PERSIST, on_readable, NULL);
	netwatch.settled = event_new(base, -1, 0, on_settled, NULL);
	if (netwatch.readable != NULL && netwatch.settled != NULL &&
	    bind(netwatch.fd, (struct sockaddr *)&kernel, sizeof(kernel)) == 0 &&
	    event_add(netwatch.readable, NULL) == 0)
		return 0;
	netwatch_close();
	return -1;
}

void
netwatch_close(void)
{
	if (netwatch.readable != NULL)
		event_free(netwatch.readable);
	if (netwatch.settled != NULL)
		event_free(netwatch.settled);
	if (netwatch.fd >= 0)
		close(netwatch.fd);
	netwatch.readable = netwatch.settled = NULL;
	netwatch.fd = -1;
}
