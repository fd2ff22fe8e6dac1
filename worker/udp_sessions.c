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

#include "admission.h"
#include "datagram.h"
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
	struct admission *admission; /* all are in it */
	struct expiry *proved;    /* the sessions, the one idle longest first, ... */
	struct expiry *doubtful;  /* ... and those that may have to make room */
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

static struct expiry *
ages_of(const struct udp_sessions *t, const struct udp_session *s)
{
	return s->standing == UDP_CLIENT_PROVED ? t->proved : t->doubtful;
}

void
udp_sessions_end(struct udp_sessions *t, struct udp_session *s)
{
	t->on_end(t->context, s);
	expiry_remove(ages_of(t, s), &s->age);
	LIST_REMOVE(s, neighbour);
	if (s->fd >= 0)
		close(s->fd);
	admission_leave(t->admission, &s->client);
	free(s);
	t->count--;
	relay_count_end(t->counters);
}

void
udp_sessions_note_answer(struct udp_sessions *t, struct udp_session *s, double now)
{
	if (s->standing == UDP_CLIENT_NEW)
		s->standing = UDP_CLIENT_ANSWERED;
	expiry_touch(ages_of(t, s), &s->age, now);
}

void
udp_sessions_note_datagram(struct udp_sessions *t, struct udp_session *s, double now)
{
	if (s->standing != UDP_CLIENT_ANSWERED) {
		expiry_touch(ages_of(t, s), &s->age, now);
		return;
	}
	expiry_remove(t->doubtful, &s->age);
	s->standing = UDP_CLIENT_PROVED;
	expiry_add(t->proved, &s->age, now);
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

/* Ends the session idle longest of those that may have to go; false if there is none. */
static bool
make_room(struct udp_sessions *t)
{
	struct expiry_item *oldest = expiry_first(t->doubtful);

	if (oldest == NULL)
		return false;
	admission_refuse(t->admission, REFUSAL_REPLACED, &session_of(oldest)->client);
	udp_sessions_end(t, session_of(oldest));
	return true;
}

static int
make_socket(const struct addr *target)
{
	return socket(target->sa.sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

/* May there be one more for the client, though perhaps for another one's? */
static bool
has_room(struct udp_sessions *t, const struct addr *client)
{
	if (!admission_allows(t->admission, client))
		return false;
	if (t->count < t->mapping->max_udp_sessions || make_room(t))
		return true;
	admission_refuse(t->admission, REFUSAL_LIMIT, client);
	return false;
}

/* One for a new session, for which another one may have to end. */
static int
open_socket(struct udp_sessions *t)
{
	const struct addr *target = &t->mapping->target;
	int fd = make_socket(target), error = errno;

	if (fd >= 0 || !net_is_shortage(error))
		return fd;
	if (make_room(t))
		return make_socket(target);
	errno = error;
	return -1;
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
	struct udp_session *s;
	int error;

	if (!has_room(t, client)) {
		errno = 0;
		return NULL;
	}
	s = calloc(1, sizeof(*s));
	if (s == NULL || admission_enter(t->admission, client) < 0) {
		free(s);
		errno = ENOMEM;
		return NULL;
	}
	s->client = *client;
	s->longest_to_target = s->longest_to_client = longest;
	s->fd = open_socket(t);
	if (connect_to_target(t, s, &t->mapping->target) < 0) {
		error = errno;
		admission_leave(t->admission, client);
		free(s);
		errno = error;
		return NULL;
	}
	expiry_add(t->doubtful, &s->age, now);
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

/* Ends those of a list that may not be here any more. */
static void
judge_again(struct udp_sessions *t, const struct expiry *ages)
{
	struct expiry_item *item, *next;

	for (item = expiry_first(ages); item != NULL; item = next) {
		next = TAILQ_NEXT(item, entry);
		if (!admission_keeps(t->admission, &session_of(item)->client))
			udp_sessions_end(t, session_of(item));
	}
}

void
udp_sessions_change(struct udp_sessions *t)
{
	admission_change(t->admission);
	judge_again(t, t->proved);
	judge_again(t, t->doubtful);
	expiry_change(t->proved, t->mapping->udp_timeout, net_now());
	expiry_change(t->doubtful, t->mapping->udp_timeout, net_now());
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
	t->proved = expiry_new(base, t->mapping->udp_timeout, on_idle, t);
	t->doubtful = expiry_new(base, t->mapping->udp_timeout, on_idle, t);
	t->admission = admission_new(t->mapping, t->counters);
	return t->buckets == NULL || t->proved == NULL || t->doubtful == NULL || t->admission == NULL ? -1 : 0;
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

static void
end_all(struct udp_sessions *t, struct expiry *ages)
{
	struct expiry_item *first;

	while (ages != NULL && (first = expiry_first(ages)) != NULL)
		udp_sessions_end(t, session_of(first)); /* NOLINT(clang-analyzer-unix.Malloc): it takes itself off the list */
	expiry_free(ages);
}

void
udp_sessions_free(struct udp_sessions *t)
{
	if (t == NULL)
		return;
	end_all(t, t->proved);
	end_all(t, t->doubtful);
	admission_free(t->admission);
	pages_free(t->buckets, BUCKETS * sizeof(*t->buckets));
	if (t->poll >= 0)
		close(t->poll);
	free(t);
}
