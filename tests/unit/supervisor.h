/* SPDX-License-Identifier: ISC */
/*
 * For unit tests of what shows the table of mappings: a table to show, a log
 * that can be searched, and a loop that runs until something is true.
 */
#ifndef SUPERVISOR_H
#define SUPERVISOR_H

#include <bsd/string.h>
#include <event2/event.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "check.h"
#include "log.h"
#include "service.h"

/* service.c's place. */
static struct services table = TAILQ_HEAD_INITIALIZER(table);

struct services *
services_all(void)
{
	return &table;
}

struct service *
service_find(const char *name)
{
	struct service *s;

	TAILQ_FOREACH (s, &table, entry)
		if (strcmp(s->mapping.name, name) == 0)
			return s;
	return NULL;
}

static inline struct addr
addr_of(const char *text)
{
	struct addr a;

	if (addr_parse(text, 0, &a) < 0)
		memset(&a, 0, sizeof(a));
	return a;
}

/* A mapping that is open. */
static inline void
fill_service(struct service *s, const char *name, enum protocol protocol, const char *target, const char *outer)
{
	memset(s, 0, sizeof(*s));
	strlcpy(s->mapping.name, name, sizeof(s->mapping.name));
	s->mapping.protocol = protocol;
	s->mapping.bind = addr_of("0.0.0.0:5000");
	s->mapping.target = addr_of(target);
	s->peer.pid = 4711;
	s->peer.fd = -1;
	s->state_since = 1700000001;
	s->report.state = STATE_OPEN;
	s->report.inner = addr_of("192.168.1.2:5000");
	s->report.outer = addr_of(outer);
	s->report.since = 1700000000;
}

static char log_lines[1 << 20];

static inline void
keep_line(enum log_level level, const char *text)
{
	(void)level;
	strlcat(log_lines, text, sizeof(log_lines));
	strlcat(log_lines, "\n", sizeof(log_lines));
}

static inline void
log_clear(void)
{
	log_lines[0] = '\0';
}

static inline bool
log_has(const char *text)
{
	return strstr(log_lines, text) != NULL;
}

static inline int
log_count(const char *text)
{
	const char *p = log_lines;
	int count = 0;

	for (; (p = strstr(p, text)) != NULL; p += strlen(text))
		count++;
	return count;
}

static struct event_base *base;

static inline void
on_wake(evutil_socket_t fd, short what, void *context)
{
	(void)fd, (void)what, (void)context;
}

static inline void
loop_open(void)
{
	static const struct timeval often = {.tv_usec = 5000};

	base = event_base_new();
	event_add(event_new(base, -1, EV_PERSIST, on_wake, NULL), &often);
	log_set_sink(keep_line);
}

static inline double
seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Runs the loop until condition is true; after ten seconds it has failed. */
#define RUN_UNTIL(condition)                                                                                          \
	do {                                                                                                          \
		double deadline_ = seconds() + 10;                                                                    \
		while (!(condition) && seconds() < deadline_)                                                         \
			event_base_loop(base, EVLOOP_ONCE);                                                           \
		CHECK(condition);                                                                                     \
	} while (0)

#endif
