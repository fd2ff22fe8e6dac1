/* SPDX-License-Identifier: ISC */
/*
 * What the relays' tests share: one event loop that a test turns by hand, with
 * clients and targets as plain non-blocking sockets of the same thread.  Every
 * wait is for a condition and ends at a deadline.
 */
#ifndef LOOP_H
#define LOOP_H

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "addr.h"
#include "check.h"
#include "log.h"
#include "mapping.h"
#include "message.h"
#include "net.h"
#include "relay.h"

#define PATIENCE 8.0 /* seconds until a wait has failed */

static struct {
	struct event_base *base;
	struct mapping mapping;
	struct relay_counters counters;
	unsigned int failures[CAUSE_COUNT]; /* for the counters' owner */
	struct addr public;  /* where the relay is reached */
	int log_lines;
	char last_line[LOG_TEXT_SIZE];
} t;

/* Turns the loop until condition holds. */
#define WAIT_FOR(condition)                                                                                           \
	do {                                                                                                          \
		double give_up_ = net_now() + PATIENCE;                                                               \
		while (!(condition) && net_now() < give_up_)                                                          \
			turn();                                                                                       \
		CHECK(condition);                                                                                     \
	} while (0)

/* A test cannot go on without these. */
#define MUST(condition)                                                                                               \
	do {                                                                                                          \
		if (!(condition)) {                                                                                   \
			printf("%s:%d: %s: %s\n", __FILE__, __LINE__, #condition, strerror(errno));                   \
			exit(1);                                                                                      \
		}                                                                                                     \
	} while (0)

/* One pass, without waiting: EVLOOP_NONBLOCK alone goes on while there is work. */
static inline void
turn(void)
{
	event_base_loop(t.base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
}

static inline void
sink(enum log_level level, const char *text)
{
	(void)level;
	t.log_lines++;
	snprintf(t.last_line, sizeof(t.last_line), "%s", text);
}

static inline void
count_failure(void *context, enum cause cause)
{
	(void)context;
	t.failures[cause]++;
}

static inline struct addr
address(const char *text)
{
	struct addr a;

	MUST(addr_parse(text, 1, &a) == 0);
	return a;
}

/* A non-blocking socket bound to ip and the port, 0 for any; -1 without that
 * address on this machine.  *bound becomes what it is bound to. */
static inline int
bind_to(int type, const char *ip, uint16_t port, struct addr *bound)
{
	struct addr a = address(ip);
	int on = 1, fd = socket(a.sa.sa_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	addr_set_port(&a, port);
	MUST(type == SOCK_DGRAM || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0);
	if (bind(fd, &a.sa, addr_len(&a)) < 0) {
		close(fd);
		return -1;
	}
	*bound = addr_of_socket(fd);
	return fd;
}

/* A non-blocking socket connected (or, TCP, being connected) to an address. */
static inline int
connect_to(int type, const struct addr *a)
{
	int fd = socket(a->sa.sa_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	MUST(fd >= 0);
	MUST(connect(fd, &a->sa, addr_len(a)) == 0 || errno == EINPROGRESS);
	return fd;
}

static inline void
set_nofile(rlim_t limit)
{
	struct rlimit l;

	MUST(getrlimit(RLIMIT_NOFILE, &l) == 0);
	l.rlim_cur = limit < l.rlim_max ? limit : l.rlim_max;
	MUST(setrlimit(RLIMIT_NOFILE, &l) == 0);
}

/* As many as are allowed; returns how many. */
static inline rlim_t
raise_nofile(void)
{
	struct rlimit l;

	set_nofile(RLIM_INFINITY);
	MUST(getrlimit(RLIMIT_NOFILE, &l) == 0);
	return l.rlim_cur;
}

/* Of the descriptors below the limit, count are free from now on; at most 1. */
static inline void
leave_descriptors(int count)
{
	int lowest = dup(0);

	MUST(lowest >= 0);
	close(lowest);
	set_nofile((rlim_t)lowest + (rlim_t)count);
}

static inline int
count_open(void)
{
	int fd, n = 0;

	for (fd = 0; fd < 30000; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

/* A byte gets from one end to the other, with what turning the loop does for it. */
static inline bool
passes(int from, int to)
{
	double give_up = net_now() + PATIENCE;
	char c = 0;

	if (send(from, "x", 1, MSG_NOSIGNAL) != 1)
		return false;
	while (recv(to, &c, 1, 0) < 0 && errno == EAGAIN && net_now() < give_up)
		turn();
	return c == 'x';
}

/* Of this process's sockets the one of which that address is told. */
static inline int
find_socket(struct addr (*address_of)(int fd), const struct addr *wanted)
{
	struct addr a;
	int fd;

	for (fd = 3; fd < 1000; fd++) {
		a = address_of(fd);
		if (addr_equal(&a, wanted))
			return fd;
	}
	return -1;
}

static inline int
option(int fd, int level, int name)
{
	int value = -1;
	socklen_t length = sizeof(value);

	CHECK(getsockopt(fd, level, name, &value, &length) == 0);
	return value;
}

static inline void
loop_start(void)
{
	log_set_sink(sink);
	signal(SIGPIPE, SIG_IGN); /* as in the worker */
	MUST((t.base = event_base_new()) != NULL);
	strcpy(t.mapping.name, "web");
	t.mapping.udp_timeout = UDP_TIMEOUT_DEFAULT;
	t.mapping.connect_timeout = CONNECT_TIMEOUT_DEFAULT;
	t.mapping.max_connections = CONNECTIONS_DEFAULT;
	t.mapping.max_udp_sessions = UDP_SESSIONS_DEFAULT;
}

static inline void
loop_end(void)
{
	event_base_free(t.base);
	libevent_global_shutdown();
}

#endif
