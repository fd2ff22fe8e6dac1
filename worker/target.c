/* SPDX-License-Identifier: ISC */
/*
 * The way to the target of a TCP mapping; see target.h.
 */
#include "target.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "log.h"

/* Probes as often as make a vanished peer known after about 2.5 times the silence. */
static void
set_keepalive(int fd, uint32_t silence)
{
	int on = silence != TCP_KEEPALIVE_OFF, idle = (int)silence, interval = idle / 6 > 0 ? idle / 6 : 1;
	int probes = 9; /* as usual, but a system may have another number */

	(void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	if (!on || silence == 0)
		return;
	(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof(interval));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof(probes));
}

/* Small messages are not held back, and a peer that has vanished without a
 * word is noticed some day. */
void
target_set_options(int fd, const struct mapping *mapping)
{
	int on = 1;

	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	set_keepalive(fd, mapping->tcp_keepalive);
}

void
target_change_options(int fd, int usual, const struct mapping *mapping)
{
	static const int names[] = {TCP_KEEPIDLE, TCP_KEEPINTVL, TCP_KEEPCNT};
	socklen_t length = sizeof(int);
	size_t i;
	int value;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (getsockopt(usual, IPPROTO_TCP, names[i], &value, &length) == 0)
			(void)setsockopt(fd, IPPROTO_TCP, names[i], &value, sizeof(value));
	target_set_options(fd, mapping);
}

int
target_connect(const struct mapping *mapping)
{
	const struct addr *target = &mapping->target;
	int fd = socket(target->sa.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), error;

	if (fd < 0)
		return -1;
	target_set_options(fd, mapping);
	if (connect(fd, &target->sa, addr_len(target)) == 0 || errno == EINPROGRESS)
		return fd;
	error = errno;
	close(fd);
	errno = error;
	return -1;
}

void
target_log_failure(const struct mapping *mapping, const struct addr *client, int error)
{
	char target[ADDR_TEXT_SIZE], from[ADDR_TEXT_SIZE];

	addr_text(&mapping->target, target);
	addr_text(client, from);
	if (error == ECONNREFUSED)
		log_warning("the target %s refused the connection from %s", target, from);
	else if (error == ETIMEDOUT)
		log_warning("the target %s did not answer the connection from %s within %u s", target, from,
		    mapping->connect_timeout);
	else
		log_warning("the target %s cannot be reached for the connection from %s: %s", target, from,
		    strerror(error));
}
