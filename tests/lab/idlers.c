/* SPDX-License-Identifier: ISC */
/*
 * Clients that take what they can get and do nothing with it, for the lab's tests.
 *
 *     idlers connections ADDRESS:PORT COUNT LOCAL-ADDRESS
 *     idlers datagrams ADDRESS:PORT COUNT FIRST-ADDRESS
 *
 * "connections" opens COUNT connections, sends nothing, and says "N open, N refused" whenever that
 * changed, until it is ended.  "datagrams" sends one from each of COUNT addresses, of which this machine
 * must have all, and says "N sent".  Both do not wait for what they began.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "addr.h"

#define COUNT_MAX 20000

static struct pollfd fds[COUNT_MAX];

static void
die(const char *what)
{
	fprintf(stderr, "idlers: %s: %s\n", what, strerror(errno));
	exit(2);
}

static int
open_at(int type, const struct addr *local, const struct addr *to)
{
	int fd = socket(local->sa.sa_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, &local->sa, addr_len(local)) < 0)
		die("bind");
	if (connect(fd, &to->sa, addr_len(to)) < 0 && errno != EINPROGRESS)
		die("connect");
	return fd;
}

static bool
is_over(int fd)
{
	char data[4096];
	ssize_t n;

	while ((n = recv(fd, data, sizeof(data), 0)) > 0)
		;
	return n == 0 || (errno != EAGAIN && errno != ENOTCONN);
}

/* Of those with events; poll(2) leaves out what has none. */
static int
count_refused(int count)
{
	int i, refused = 0;

	for (i = 0; i < count; i++) {
		if (fds[i].fd < 0 || fds[i].revents == 0 || !is_over(fds[i].fd))
			continue;
		close(fds[i].fd);
		fds[i].fd = -1;
		refused++;
	}
	return refused;
}

static void __attribute__((noreturn))
hold_connections(const struct addr *to, int count, const struct addr *local)
{
	int i, n, refused = 0;

	for (i = 0; i < count; i++)
		fds[i] = (struct pollfd){.fd = open_at(SOCK_STREAM, local, to), .events = POLLIN | POLLRDHUP};
	printf("%d open, 0 refused\n", count);
	for (;;) {
		fflush(stdout);
		if (poll(fds, (nfds_t)count, -1) < 0)
			die("poll");
		n = count_refused(count);
		refused += n;
		if (n > 0)
			printf("%d open, %d refused\n", count - refused, refused);
	}
}

static int
send_datagrams(const struct addr *to, int count, struct addr *local)
{
	uint32_t first = ntohl(local->v4.sin_addr.s_addr);
	int i, fd;

	for (i = 0; i < count; i++) {
		local->v4.sin_addr.s_addr = htonl(first + (uint32_t)i);
		fd = open_at(SOCK_DGRAM, local, to);
		if (send(fd, "idle", 4, 0) != 4)
			die("send");
		close(fd);
	}
	printf("%d sent\n", count);
	return 0;
}

int
main(int argc, char **argv)
{
	struct rlimit limit;
	struct addr to, local;
	int count;

	if (argc != 5 || addr_parse(argv[2], 0, &to) < 0 || addr_parse(argv[4], 0, &local) < 0)
		return 2;
	count = atoi(argv[3]);
	if (count < 1 || count > COUNT_MAX)
		return 2;
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &limit);
	}
	if (strcmp(argv[1], "connections") == 0)
		hold_connections(&to, count, &local);
	return strcmp(argv[1], "datagrams") == 0 && local.sa.sa_family == AF_INET ? send_datagrams(&to, count, &local) : 2;
}
