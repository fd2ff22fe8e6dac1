/* SPDX-License-Identifier: ISC */
/*
 * Small socket helpers; see net.h.
 */
#include "net.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

double
net_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int
net_socket_error(int fd)
{
	int error = 0;
	socklen_t length = sizeof(error);

	return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) < 0 ? errno : error;
}

uint32_t
net_undelivered(int fd)
{
	int bytes = 0;

	return ioctl(fd, TIOCOUTQ, &bytes) < 0 ? 0 : (uint32_t)bytes;
}

ssize_t
net_receive(int fd, void *data, size_t size, struct addr *from)
{
	struct sockaddr_storage storage = {0};
	socklen_t length = sizeof(storage);
	ssize_t n = recvfrom(fd, data, size, 0, (struct sockaddr *)&storage, &length);

	/* An IP socket's datagrams always have an IP address as their sender. */
	if (n >= 0)
		(void)addr_from_sockaddr((struct sockaddr *)&storage, from);
	return n;
}

void
net_set_reset_on_close(int fd)
{
	struct linger reset = {.l_onoff = 1, .l_linger = 0};

	/* Without it a reconnect may have to wait, which is worth no error. */
	(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
}

void
net_disconnect(int fd)
{
	struct sockaddr none = {.sa_family = AF_UNSPEC};

	/* One that is not connected any more is what is wanted, too. */
	(void)connect(fd, &none, sizeof(none));
}

const char *
net_bind_error(int error)
{
	if (error == EADDRNOTAVAIL)
		return "this machine does not have the address now; if it never has, please correct bind";
	return strerror(error);
}

void
net_explain_no_socket(int error, char *buf, size_t size)
{
	if (error == ENOPROTOOPT)
		snprintf(buf, size, "This system does not support reusing ports.");
	else
		snprintf(buf, size, "no socket on the mapped port: %s", net_bind_error(error));
}

bool
net_is_no_network(int error)
{
	return error == ENETUNREACH || error == EHOSTUNREACH || error == ENETDOWN || error == EHOSTDOWN;
}

bool
net_is_shortage(int error)
{
	/* ENOSPC: epoll_ctl(2) watches no more for this user. */
	return error == EMFILE || error == ENFILE || error == ENOMEM || error == ENOBUFS || error == ENOSPC;
}

const char *
net_connect_error(int error)
{
	if (error == EADDRNOTAVAIL)
		return "no usable address of this machine, or an older connection to it that has not ended yet";
	return strerror(error);
}
