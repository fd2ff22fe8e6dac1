/* SPDX-License-Identifier: ISC */
/*
 * Many TCP connections at a time, for the lab's tests.
 *
 *     connections echo ADDRESS:PORT             sends back what each connection sends
 *     connections hold ADDRESS:PORT COUNT [LOCAL-ADDRESS]
 *     connections keep ADDRESS:PORT COUNT [LOCAL-ADDRESS]
 *
 * "hold" opens COUNT connections, and only when all are open sends a line of its
 * own on each and expects it back.  It prints "COUNT open, N right" and succeeds
 * if all were right.  "keep" does the same, but keeps them open until it is ended.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include "addr.h"

#define COUNT_MAX 20000
#define PATIENCE_S 10

static int fds[COUNT_MAX];

static void
die(const char *what)
{
	fprintf(stderr, "connections: %s: %s\n", what, strerror(errno));
	exit(2);
}

static int
open_bound(const struct addr *local)
{
	int fd = socket(local->sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0), yes = 1;

	/* Shares its port with a natterd that punches for it. */
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &yes, sizeof(yes)) < 0 ||
	    bind(fd, &local->sa, addr_len(local)) < 0)
		die("bind");
	return fd;
}

static void
wait_for(int loop, int operation, int fd, uint32_t events)
{
	struct epoll_event interest = {.events = events, .data.fd = fd};

	if (epoll_ctl(loop, operation, fd, &interest) < 0)
		die("epoll_ctl");
}

/* One that does not read holds up nobody else: what cannot be sent stays where it is.  Returns false when the
 * connection is over. */
static bool
echo_some(int loop, int fd)
{
	char data[4096];
	ssize_t n = recv(fd, data, sizeof(data), MSG_PEEK | MSG_DONTWAIT), sent;

	if (n <= 0)
		return n < 0 && errno == EAGAIN;
	sent = send(fd, data, (size_t)n, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (sent < 0 && errno != EAGAIN)
		return false;
	wait_for(loop, EPOLL_CTL_MOD, fd, sent < n ? EPOLLOUT : EPOLLIN);
	return sent <= 0 || recv(fd, data, (size_t)sent, 0) == sent;
}

static void __attribute__((noreturn))
echo(const struct addr *local)
{
	struct epoll_event events[64];
	int listener = open_bound(local), loop = epoll_create1(EPOLL_CLOEXEC), fd, i, n;

	if (loop < 0 || listen(listener, 4096) < 0)
		die("listen");
	wait_for(loop, EPOLL_CTL_ADD, listener, EPOLLIN);
	for (;;) {
		n = epoll_wait(loop, events, 64, -1);
		for (i = 0; i < n; i++) {
			fd = events[i].data.fd;
			if (fd != listener && !echo_some(loop, fd))
				close(fd);
			else if (fd == listener && (fd = accept(listener, NULL, NULL)) >= 0)
				wait_for(loop, EPOLL_CTL_ADD, fd, EPOLLIN);
		}
	}
}

static int
connect_one(const struct addr *peer, const struct addr *local)
{
	struct timeval patience = {.tv_sec = PATIENCE_S};
	int fd = open_bound(local);

	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) < 0 ||
	    connect(fd, &peer->sa, addr_len(peer)) < 0)
		die("connect");
	return fd;
}

static bool
comes_back(int fd, int number)
{
	char line[32], answer[32];
	int length = snprintf(line, sizeof(line), "line %d\n", number);

	return write(fd, line, (size_t)length) == length &&
	       recv(fd, answer, (size_t)length, MSG_WAITALL) == length && memcmp(line, answer, (size_t)length) == 0;
}

static int
hold(const struct addr *peer, const struct addr *local, int count)
{
	int i, right = 0;

	if (count > COUNT_MAX)
		count = COUNT_MAX;
	for (i = 0; i < count; i++)
		fds[i] = connect_one(peer, local);
	for (i = 0; i < count; i++)
		right += comes_back(fds[i], i);
	printf("%d open, %d right\n", count, right);
	return right == count ? 0 : 1;
}

int
main(int argc, char **argv)
{
	struct rlimit limit = {COUNT_MAX + 100, COUNT_MAX + 100};
	struct addr peer, local;
	int result;

	(void)setrlimit(RLIMIT_NOFILE, &limit);
	if (argc >= 3 && strcmp(argv[1], "echo") == 0 && addr_parse(argv[2], 0, &local) == 0)
		echo(&local);
	if (argc >= 4 && (strcmp(argv[1], "hold") == 0 || strcmp(argv[1], "keep") == 0) &&
	    addr_parse(argv[2], 0, &peer) == 0 && addr_parse(argc > 4 ? argv[4] : "0.0.0.0", 0, &local) == 0) {
		result = hold(&peer, &local, atoi(argv[3]));
		if (strcmp(argv[1], "keep") == 0) {
			fflush(stdout);
			pause();
		}
		return result;
	}
	fprintf(stderr, "usage: connections echo ADDRESS:PORT | hold|keep ADDRESS:PORT COUNT [LOCAL-ADDRESS]\n");
	return 2;
}
