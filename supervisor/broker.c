/* SPDX-License-Identifier: ISC */
/*
 * Sockets on a mapped port; see broker.h.
 */
#include "broker.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "log.h"

/* The default of 208 KiB overflows in a burst that a relay can well carry. */
#define UDP_BUFFER (4 * 1024 * 1024)

static int
set_option(int fd, int level, int name, int value)
{
	return setsockopt(fd, level, name, &value, sizeof(value));
}

/* Beyond the system's limit if we may, else up to it. */
static void
enlarge_buffers(int fd)
{
	if (set_option(fd, SOL_SOCKET, SO_RCVBUFFORCE, UDP_BUFFER) < 0)
		(void)set_option(fd, SOL_SOCKET, SO_RCVBUF, UDP_BUFFER);
	if (set_option(fd, SOL_SOCKET, SO_SNDBUFFORCE, UDP_BUFFER) < 0)
		(void)set_option(fd, SOL_SOCKET, SO_SNDBUF, UDP_BUFFER);
}

/* TCP wants both options: a listener and outgoing connections share the port.
 * UDP that is served here wants SO_REUSEADDR alone: with SO_REUSEPORT the kernel
 * would deal the clients' datagrams out among our sockets.  UDP that is only
 * punched takes both, as the program that owns the port may have either. */
static int
share_port(int fd, const struct mapping *mapping)
{
	bool served_udp = mapping->protocol == PROTOCOL_UDP && mapping_is_served(mapping);

	if (set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1) < 0)
		return -1;
	return served_udp ? 0 : set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1);
}

/* Binds although another program, of whatever user, has the port to itself: a
 * socket under repair is bound without asking (SK_FORCE_REUSE).  The option once
 * more after it lets that program restart while our connection is up.  Returns
 * 0, or -1 without CAP_NET_ADMIN or a kernel that can. */
static int
bind_by_force(int fd, const struct mapping *mapping)
{
	int result;

	if (set_option(fd, IPPROTO_TCP, TCP_REPAIR, TCP_REPAIR_ON) < 0)
		return -1;
	result = bind(fd, &mapping->bind.sa, addr_len(&mapping->bind));
	if (set_option(fd, IPPROTO_TCP, TCP_REPAIR, TCP_REPAIR_OFF) < 0 ||
	    set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1) < 0)
		return -1;
	return result;
}

/* What is accepted from the socket has the same.  Here and not by the worker, which might be
 * refused some, and could not have the kernel load one. */
static void
set_congestion_control(int fd, const struct mapping *mapping)
{
	const char *name = mapping->congestion_control;

	if (name[0] != '\0' && setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, (socklen_t)strlen(name)) < 0)
		log_warning("%s: this system gives no congestion control \"%s\" (%s); connections have its usual one. "
			    "See sysctl net.ipv4.tcp_available_congestion_control",
		    mapping->name, name, strerror(errno));
}

static int
open_socket(const struct mapping *mapping)
{
	int family = mapping->bind.sa.sa_family;
	int type = mapping->protocol == PROTOCOL_TCP ? SOCK_STREAM : SOCK_DGRAM;
	int fd = socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	/* Without it [::] would take the IPv4 port of the same number too. */
	if (fd >= 0 && family == AF_INET6)
		(void)set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
	return fd;
}

static int
open_target_socket(const struct mapping *mapping)
{
	return socket(mapping->target.sa.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

static int
bind_or_close(int fd, const struct mapping *mapping)
{
	int error;

	if (bind(fd, &mapping->bind.sa, addr_len(&mapping->bind)) == 0)
		return fd;
	error = errno;
	close(fd);
	errno = error;
	return -1;
}

int
broker_make_unbound(const struct mapping *mapping, enum socket_use use)
{
	int fd = open_socket(mapping);

	if (fd < 0)
		return -1;
	if (share_port(fd, mapping) < 0) {
		close(fd);
		errno = ENOPROTOOPT;
		return -1;
	}
	if (mapping->protocol == PROTOCOL_UDP && use == SOCKET_SERVE)
		enlarge_buffers(fd);
	return fd;
}

static int
make_fresh(const struct mapping *mapping)
{
	struct mapping elsewhere = *mapping;
	int fd = open_socket(mapping);

	if (fd < 0)
		return -1;
	addr_set_port(&elsewhere.bind, 0);
	return bind_or_close(fd, &elsewhere);
}

int
broker_make_socket(const struct mapping *mapping, enum socket_use use)
{
	int fd;

	if (use == SOCKET_TARGET)
		return open_target_socket(mapping);
	if (use == SOCKET_FRESH)
		return make_fresh(mapping);
	fd = broker_make_unbound(mapping, use);
	if (fd < 0)
		return -1;
	if (mapping->protocol == PROTOCOL_TCP && use == SOCKET_SERVE)
		set_congestion_control(fd, mapping);
	if (mapping->protocol == PROTOCOL_TCP && !mapping_is_served(mapping) && bind_by_force(fd, mapping) == 0)
		return fd;
	return bind_or_close(fd, mapping);
}

void
broker_change_congestion_control(int fd, const struct mapping *mapping)
{
	int usual = open_socket(mapping);
	char name[CONGESTION_CONTROL_SIZE];
	socklen_t length = sizeof(name);

	if (usual < 0)
		return;
	if (getsockopt(usual, IPPROTO_TCP, TCP_CONGESTION, name, &length) == 0)
		(void)setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, length);
	close(usual);
	set_congestion_control(fd, mapping);
}

int
broker_try_port(const struct mapping *mapping, bool reuse)
{
	int fd = open_socket(mapping), error = 0;

	if (fd < 0)
		return -1;
	/* With the option a listener of somebody else still refuses a second one. */
	reuse = reuse && mapping->protocol == PROTOCOL_TCP;
	if ((reuse && set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1) < 0) ||
	    bind(fd, &mapping->bind.sa, addr_len(&mapping->bind)) < 0 || (reuse && listen(fd, 0) < 0))
		error = errno;
	close(fd);
	errno = error;
	return error == 0 ? 0 : -1;
}
