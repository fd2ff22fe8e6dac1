/* SPDX-License-Identifier: ISC */
/*
 * Comparing a socket's state and options with a new one's; see untouched.h.
 */
#include "untouched.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "addr.h"
#include "broker.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
/* The longest value: SO_BINDTODEVICE and TCP_ULP are names. */
#define VALUE_SIZE 64

struct option {
	int level;
	int name;
};

/* Left out is what every worker sets anew: keep-alive times, TCP_NODELAY, UDP_GRO, IP_PKTINFO. */
static const struct option every[] = {
    {SOL_SOCKET, SO_RCVLOWAT}, {SOL_SOCKET, SO_RCVTIMEO}, {SOL_SOCKET, SO_SNDTIMEO}, {SOL_SOCKET, SO_PRIORITY},
    {SOL_SOCKET, SO_MARK}, {SOL_SOCKET, SO_BINDTODEVICE}, {SOL_SOCKET, SO_DONTROUTE}, {SOL_SOCKET, SO_BROADCAST},
    {SOL_SOCKET, SO_OOBINLINE}, {SOL_SOCKET, SO_TIMESTAMP}, {SOL_SOCKET, SO_TIMESTAMPNS}, {SOL_SOCKET, SO_TIMESTAMPING},
    {SOL_SOCKET, SO_REUSEADDR}, {SOL_SOCKET, SO_REUSEPORT}, {SOL_SOCKET, SO_BUSY_POLL}, {SOL_SOCKET, SO_PEEK_OFF},
    {SOL_SOCKET, SO_MAX_PACING_RATE}, {SOL_SOCKET, SO_LOCK_FILTER}, {SOL_SOCKET, SO_GET_FILTER}, {SOL_SOCKET, SO_NO_CHECK},
    {SOL_SOCKET, SO_RXQ_OVFL}, {SOL_SOCKET, SO_TXTIME}, {SOL_SOCKET, SO_ZEROCOPY}, {SOL_SOCKET, SO_SELECT_ERR_QUEUE},
    {IPPROTO_IP, IP_TOS}, {IPPROTO_IP, IP_TTL}, {IPPROTO_IP, IP_MINTTL}, {IPPROTO_IP, IP_OPTIONS},
    {IPPROTO_IP, IP_MTU_DISCOVER}, {IPPROTO_IP, IP_RECVERR}, {IPPROTO_IP, IP_TRANSPARENT}, {IPPROTO_IP, IP_FREEBIND},
    {IPPROTO_IP, IP_MULTICAST_IF}, {IPPROTO_IP, IP_MULTICAST_TTL}, {IPPROTO_IP, IP_UNICAST_IF}, {IPPROTO_IP, IP_NODEFRAG},
    {IPPROTO_IPV6, IPV6_V6ONLY}, {IPPROTO_IPV6, IPV6_TCLASS}, {IPPROTO_IPV6, IPV6_MTU_DISCOVER},
    {IPPROTO_IPV6, IPV6_RECVERR}, {IPPROTO_IPV6, IPV6_MINHOPCOUNT}, {IPPROTO_IPV6, IPV6_DONTFRAG},
    {IPPROTO_IPV6, IPV6_TRANSPARENT}, {IPPROTO_IPV6, IPV6_FREEBIND}, {IPPROTO_IPV6, IPV6_MULTICAST_HOPS},
    {IPPROTO_TCP, TCP_CORK}, {IPPROTO_TCP, TCP_LINGER2}, {IPPROTO_TCP, TCP_USER_TIMEOUT},
    {IPPROTO_TCP, TCP_NOTSENT_LOWAT}, {IPPROTO_TCP, TCP_REPAIR}, {IPPROTO_TCP, TCP_SYNCNT}, {IPPROTO_TCP, TCP_ULP},
    {IPPROTO_TCP, TCP_FASTOPEN}, {IPPROTO_TCP, TCP_SAVE_SYN}, {IPPROTO_TCP, TCP_DEFER_ACCEPT},
    {IPPROTO_UDP, UDP_CORK}, {IPPROTO_UDP, UDP_ENCAP}, {IPPROTO_UDP, UDP_SEGMENT}, {IPPROTO_UDP, UDP_NO_CHECK6_RX},
};

/* Of a connection these are what became of it. */
static const struct option serving[] = {
    {SOL_SOCKET, SO_RCVBUF}, {SOL_SOCKET, SO_SNDBUF}, {IPPROTO_TCP, TCP_MAXSEG}, {IPPROTO_TCP, TCP_WINDOW_CLAMP},
    {IPPROTO_IPV6, IPV6_UNICAST_HOPS},
};

/* An option that neither has is the same, too. */
static bool
is_same_option(int a, int b, const struct option *o)
{
	unsigned char value[2][VALUE_SIZE];
	socklen_t length[2] = {VALUE_SIZE, VALUE_SIZE};
	int result[2], error[2] = {0};

	memset(value, 0, sizeof(value));
	result[0] = getsockopt(a, o->level, o->name, value[0], &length[0]);
	error[0] = result[0] < 0 ? errno : 0;
	result[1] = getsockopt(b, o->level, o->name, value[1], &length[1]);
	error[1] = result[1] < 0 ? errno : 0;
	return error[0] == error[1] && length[0] == length[1] && memcmp(value[0], value[1], VALUE_SIZE) == 0;
}

static bool
are_same_options(int a, int b, const struct option *options, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (!is_same_option(a, b, &options[i]))
			return false;
	return true;
}

/* natter's own worker asks for a reset, which takes no time. */
static bool
may_wait_at_end(int fd)
{
	struct linger linger = {0};
	socklen_t length = sizeof(linger);

	return getsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, &length) < 0 || (linger.l_onoff != 0 && linger.l_linger > 0);
}

static bool
listens_or_may(int fd)
{
	struct tcp_info info = {0};
	socklen_t length = sizeof(info);

	return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length) == 0 &&
	       (info.tcpi_state == TCP_LISTEN || info.tcpi_state == TCP_CLOSE);
}

/* Not connected, and not shut down, which for UDP is for ever. */
static bool
receives(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLRDHUP};
	struct addr peer = addr_of_peer(fd);

	return !addr_is_set(&peer) && poll(&p, 1, 0) >= 0 && (p.revents & (POLLRDHUP | POLLHUP)) == 0;
}

static bool
serves(int fd, const struct mapping *mapping)
{
	return mapping->protocol == PROTOCOL_TCP ? listens_or_may(fd) : receives(fd);
}

static bool
is_like(int fd, int new, const struct mapping *mapping, enum socket_use use)
{
	if (!are_same_options(fd, new, every, COUNT(every)) || may_wait_at_end(fd))
		return false;
	return use != SOCKET_SERVE || (serves(fd, mapping) && are_same_options(fd, new, serving, COUNT(serving)));
}

bool
untouched(int fd, const struct mapping *mapping, enum socket_use use)
{
	int new = broker_make_unbound(mapping, use);
	bool same;

	if (new < 0)
		return false;
	same = is_like(fd, new, mapping, use);
	close(new);
	/* Also O_ASYNC ends with it. */
	return same && fcntl(fd, F_SETFL, O_NONBLOCK) == 0 && fcntl(fd, F_SETOWN, 0) == 0;
}
