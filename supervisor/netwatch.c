/* SPDX-License-Identifier: ISC */
/*
 * The rtnetlink listener; see netwatch.h.
 */
#include "netwatch.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

#define GROUPS (RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR | RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE)

/* In hundredths of a second: an address that is updated later than this after it was made
 * was there before.  A new one is updated once while it is made. */
#define NEW_ADDRESS_AGE 100

static struct {
	int fd;
	struct event *readable;
	void (*changed)(void);
} netwatch = {.fd = -1};

/* What becomes deprecated is no longer what connections start from, which is news. */
static bool
is_prolonged(const struct nlmsghdr *m)
{
	const struct ifaddrmsg *address = NLMSG_DATA(m);
	const struct ifa_cacheinfo *age;
	const struct rtattr *a;
	int left;

	if (m->nlmsg_type != RTM_NEWADDR || m->nlmsg_len < NLMSG_LENGTH(sizeof(*address)) ||
	    (address->ifa_flags & IFA_F_DEPRECATED) != 0)
		return false;
	left = (int)IFA_PAYLOAD(m);
	for (a = IFA_RTA(address); RTA_OK(a, left); a = RTA_NEXT(a, left)) {
		age = RTA_DATA(a);
		if (a->rta_type == IFA_CACHEINFO && RTA_PAYLOAD(a) >= sizeof(*age))
			return age->tstamp - age->cstamp > NEW_ADDRESS_AGE;
	}
	return false;
}

bool
netwatch_is_news(const void *messages, size_t length)
{
	const struct nlmsghdr *m;
	int64_t left = (int64_t)length;

	for (m = messages; NLMSG_OK(m, left); m = NLMSG_NEXT(m, left))
		if (!is_prolonged(m))
			return true;
	return left > 0; /* part of one */
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	_Alignas(struct nlmsghdr) char messages[32768]; /* as much as the kernel puts into one */
	bool news = false;
	ssize_t n;

	(void)what;
	(void)arg;
	while ((n = recv(fd, messages, sizeof(messages), MSG_DONTWAIT)) > 0)
		news = netwatch_is_news(messages, (size_t)n) || news;
	/* What was lost was a change, too. */
	if (news || (n < 0 && errno == ENOBUFS))
		netwatch.changed();
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
	if (netwatch.readable != NULL && bind(netwatch.fd, (struct sockaddr *)&kernel, sizeof(kernel)) == 0 &&
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
	if (netwatch.fd >= 0)
		close(netwatch.fd);
	netwatch.readable = NULL;
	netwatch.fd = -1;
}
