/* SPDX-License-Identifier: ISC */
/*
 * Whether an address is this machine's; see net.h.  Apart from the other helpers, so that
 * a test can be another machine.
 */
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net.h"

/* The kernel's name for a bit that no header for programs has: nothing is sent (with
 * MSG_CONFIRM, and no data), only the way is looked up: udp_sendmsg() of net/ipv4/udp.c. */
#define MSG_PROBE 0x10

/* Only an address that the machine has can be a datagram's source, whatever may be bound
 * (net.ipv4.ip_nonlocal_bind). */
static bool
can_send_from(int fd, const struct addr *a)
{
	union {
		char room[CMSG_SPACE(sizeof(struct in_pktinfo))];
		struct cmsghdr align;
	} control = {0};
	struct addr to = *a;
	struct msghdr m = {
	    .msg_name = &to.sa,
	    .msg_namelen = addr_len(&to),
	    .msg_control = control.room,
	    .msg_controllen = sizeof(control.room),
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	struct in_pktinfo info = {.ipi_spec_dst = a->v4.sin_addr};

	if (addr_port(&to) == 0)
		addr_set_port(&to, 9);
	c->cmsg_level = IPPROTO_IP;
	c->cmsg_type = IP_PKTINFO;
	c->cmsg_len = CMSG_LEN(sizeof(info));
	memcpy(CMSG_DATA(c), &info, sizeof(info));
	return sendmsg(fd, &m, MSG_CONFIRM | MSG_PROBE) == 0;
}

/* IPv6 takes the address itself as the source of what goes to it (RFC 6724, rule 1). */
static bool
is_reached_from_itself(int fd, const struct addr *a)
{
	struct addr to = *a, from = {0};
	socklen_t length = sizeof(from);

	if (addr_port(&to) == 0)
		addr_set_port(&to, 9);
	return connect(fd, &to.sa, addr_len(&to)) == 0 && getsockname(fd, &from.sa, &length) == 0 &&
	       addr_same_ip(&from, a);
}

bool
net_is_own_address(const struct addr *a)
{
	int fd = socket(a->sa.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool is_own;

	if (fd < 0)
		return false;
	is_own = a->sa.sa_family == AF_INET ? can_send_from(fd, a) : is_reached_from_itself(fd, a);
	close(fd);
	return is_own;
}
