/* SPDX-License-Identifier: ISC */
/*
 * What the load programs of the relay measurements share: clocks, sockets whose
 * buffers are no bottleneck, and an end by SIGTERM.  Each is one file with its
 * own main, so this is a header of small functions.
 */
#ifndef LOAD_H
#define LOAD_H

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "addr.h"

#define LOAD_BUFFER (8 * 1024 * 1024)
#define LOAD_SOCKETS_MAX 20000

static volatile sig_atomic_t load_ended;

static inline void __attribute__((noreturn))
load_die(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	exit(2);
}

static inline uint64_t
load_now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static inline void
on_load_end(int signo)
{
	(void)signo;
	load_ended = 1;
}

/* SIGTERM sets load_ended; a call that waits returns. */
static inline void
load_end_by_signal(void)
{
	struct sigaction action = {.sa_handler = on_load_end};

	if (sigaction(SIGTERM, &action, NULL) < 0)
		load_die("sigaction");
}

static inline void
load_many_descriptors(void)
{
	struct rlimit limit = {LOAD_SOCKETS_MAX + 100, LOAD_SOCKETS_MAX + 100};

	(void)setrlimit(RLIMIT_NOFILE, &limit);
}

/* A datagram socket, with room for what arrives while its reader has no processor. */
static inline int
load_socket(const struct addr *of, int extra_type)
{
	int fd = socket(of->sa.sa_family, SOCK_DGRAM | SOCK_CLOEXEC | extra_type, 0), size = LOAD_BUFFER;

	if (fd < 0)
		load_die("socket");
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	return fd;
}

static inline int
load_connected(const struct addr *peer, int extra_type)
{
	int fd = load_socket(peer, extra_type);

	if (connect(fd, &peer->sa, addr_len(peer)) < 0)
		load_die("connect");
	return fd;
}

/* Wakes at least ten times a second, so that no SIGTERM is missed that comes between a look at load_ended and the
 * next wait. */
static inline int
load_bound(const struct addr *local)
{
	struct timeval patience = {.tv_usec = 100000};
	int fd = load_socket(local, 0);

	if (bind(fd, &local->sa, addr_len(local)) < 0)
		load_die("bind");
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) < 0)
		load_die("setsockopt");
	return fd;
}

#endif
