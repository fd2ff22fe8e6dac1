/* SPDX-License-Identifier: ISC */
/*
 * The sessions of a UDP relay; see udp_sessions.h.
 */
#include "udp_sessions.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <unistd.h>

#include "datagram.h"
#include "log.h"
#include "net.h"
#include "pages.h"

#define BUCKETS 4096 /* a power of two */
#define RECEIVE_BUFFER (1024 * 1024)
#define READY_MAX 64

LIST_HEAD(bucket, udp_session);

struct udp_sessions {
	const struct mapping *mapping;
	struct relay_counters *counters;
	void (*on_end)(void *context, struct udp_session *s);
	void *context;
	int poll;                 /* an epoll instance */
	struct expiry *idle;      /* all of them, the one idle longest first */
	bool crowded;             /* logged that sessions are replaced */
	uint64_t seed;            /* nobody outside can choose addresses that share a bucket */
	size_t count;
	struct bucket *buckets;
};

static struct bucket *
bucket_of(struct udp_sessions *t, const struct addr *client)
{
	uint32_t words[sizeof(*client) / sizeof(uint32_t)];
	uint64_t hash = t->seed;
	size_t i;

	memcpy(words, client, sizeof(words));
	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		hash = (hash ^ words[i]) * 0x9e3779b97f4a7c15u;
		hash ^= hash >> 32;
	}
	return &t->buckets[hash & (BUCKETS - 1)];
}

/* A struct addr has no undefined bytes, so memcmp tells link-local clients on
 * two interfaces apart, too. */
bool
udp_session_is_of(const struct udp_session *s, const struct addr *client)
{
	return memcmp(&s->client, client, sizeof(*client)) == 0;
}

struct addr
udp_session_target(const struct udp_sessions *t, const struct udp_session *s)
{
	struct addr peer = addr_of_peer(s->fd);

	return addr_is_set(&peer) ? peer : t->mapping->target; /* it was just to be connected */
}

struct udp_session *
udp_sessions_find(struct udp_sessions *t, const struct addr *client)
{
	struct udp_session *s;

	LIST_FOREACH(s, bucket_of(t, client), neighbour)
		if (udp_session_is_of(s, client))
			return s;
	return NULL;
}

void
udp_sessions_end(struct udp_sessions *t, struct udp_session *s)
{
	t->on_end(t->context, s);
	expiry_remove(t->idle, &s->age);
	LIST_REMOVE(s, neighbour);
	if (s->fd >= 0)
		close(s->fd);
	free(s);
	t->count--;
	relay_count_end(t->counters);
}

void
udp_sessions_touch(struct udp_sessions *t, struct udp_session *s, double now)
{
	expiry_touch(t->idle, &s->age, now);
}

static struct udp_session *
session_of(struct expiry_item *age)
{
	return (struct udp_session *)((char *)age - offsetof(struct udp_session, age));
}

static void
on_idle(void *context, struct expiry_item *item)
{
	struct udp_sessions *t = context;

	udp_sessions_end(t, session_of(item));
	if (t->count == 0)
		pages_give_back(t->buckets, BUCKETS * sizeof(*t->buckets));
}

/* Ends the session idle longest; false if there is none. */
static bool
make_room(struct udp_sessions *t, const char *why)
{
	struct expiry_item *oldest = expiry_first(t->idle);

	if (oldest == NULL)
		return false;
	if (!t->crowded)
		log_warning("%zu UDP sessions and a new client (%s): the session idle longest makes room", t->count, why);
	t->crowded = true;
	udp_sessions_end(t, session_of(oldest));
	return true;
}

static int
make_socket(const struct addr *target)
{
	return socket(target->sa.sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

/* One for a new session, for which another one may have to end. */
static int
open_socket(struct udp_sessions *t)
{
	const struct addr *target = &t->mapping->target;
	int fd;

	if (t->count >= UDP_SESSIONS_MAX) {
		make_room(t, "the most there may be");
		return make_socket(target);
	}
	fd = make_socket(target);
	if (fd < 0 && net_is_shortage(errno))
		return make_room(t, strerror(errno)) ? make_socket(target) : -1;
	t->crowded = false;
	return fd;
}

/* Connects a session's new socket to the target and waits for answers there; on failure the
 * socket is closed.  Returns 0, or -1 with errno. */
static int
connect_to_target(struct udp_sessions *t, struct udp_session *s, const struct addr *target)
{
	struct epoll_event readable = {.events = EPOLLIN, .data.ptr = s};
	int size = RECEIVE_BUFFER, error;

	if (s->fd < 0)
		return -1;
	/* The kernel's limit may allow less, which only means more drops. */
	(void)setsockopt(s->fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	if (connect(s->fd, &target->sa, addr_len(target)) == 0 &&
	    epoll_ctl(t->poll, EPOLL_CTL_ADD, s->fd, &readable) == 0)
		return 0;
	error = errno;
	close(s->fd);
	s->fd = -1;
	errno = error;
	return -1;
}

struct udp_session *
udp_sessions_start(struct udp_sessions *t, const struct addr *client, uint16_t longest, double now)
{
	struct udp_session *s = calloc(1, sizeof(*s));
	int error;

	if (s == NULL)
		return NULL;
	s->client = *client;
	s->longest_to_target = s->longest_to_client = longest;
	s->fd = open_socket(t);
	if (connect_to_target(t, s, &t->mapping->target) < 0) {
		error = errno;
		free(s);
		errno = error;
		return NULL;
	}
	expiry_add(t->idle, &s->age, now);
	LIST_INSERT_HEAD(bucket_of(t, client), s, neighbour);
	t->count++;
	relay_count_begin(t->counters);
	return s;
}

int
udp_sessions_reconnect(struct udp_sessions *t, struct udp_session *s)
{
	struct addr target = udp_session_target(t, s);

	close(s->fd);
	s->fd = make_socket(&target);
	s->busy = false;
	return connect_to_target(t, s, &target);
}

void
udp_sessions_change(struct udp_sessions *t)
{
	expiry_change(t->idle, t->mapping->udp_timeout, net_now());
}

int
udp_sessions_descriptor(const struct udp_sessions *t)
{
	return t->poll;
}

int
udp_sessions_ready(struct udp_sessions *t, struct udp_session **ready, int max)
{
	struct epoll_event events[READY_MAX];
	int n = epoll_wait(t->poll, events, max < READY_MAX ? max : READY_MAX, 0), i;

	for (i = 0; i < n; i++)
		ready[i] = events[i].data.ptr;
	return n < 0 ? 0 : n;
}

static int
start(struct udp_sessions *t, struct event_base *base)
{
	if (getrandom(&t->seed, sizeof(t->seed), 0) != sizeof(t->seed))
		return -1;
	t->poll = epoll_create1(EPOLL_CLOEXEC);
	if (t->poll < 0)
		return -1;
	errno = ENOMEM;
	t->buckets = pages_new(BUCKETS * sizeof(*t->buckets));
	t->idle = expiry_new(base, t->mapping->udp_timeout, on_idle, t);
	return t->buckets == NULL || t->idle == NULL ? -1 : 0;
}

struct udp_sessions *
udp_sessions_new(struct event_base *base, const struct mapping *mapping, struct relay_counters *counters,
    void (*on_end)(void *context, struct udp_session *s), void *context)
{
	struct udp_sessions *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	t->mapping = mapping;
	t->counters = counters;
	t->on_end = on_end;
	t->context = context;
	t->poll = -1;
	if (start(t, base) == 0)
		return t;
	udp_sessions_free(t);
	return NULL;
}

void
udp_sessions_free(struct udp_sessions *t)
{
	struct expiry_item *first;

	if (t == NULL)
		return;
	while (t->idle != NULL && (first = expiry_first(t->idle)) != NULL)
		udp_sessions_end(t, session_of(first)); /* NOLINT(clang-analyzer-unix.Malloc): it takes itself off the list */
	expiry_free(t->idle);
	pages_free(t->buckets, BUCKETS * sizeof(*t->buckets));
	if (t->poll >= 0)
		close(t->poll);
	free(t);
}
