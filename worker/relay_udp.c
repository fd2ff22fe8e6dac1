/* SPDX-License-Identifier: ISC */
/*
 * The relay of a UDP mapping; see relay.h.  Every client has a session: a
 * socket of its own connected to the target, so that the target's answers find
 * their client, until nothing has passed for the mapping's udp_timeout.  As UDP
 * does, it drops what cannot be sent at once.  A target's error ends the one
 * session that met it, a stranger's datagrams can only use up sessions.
 */
#include "relay.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/random.h>
#include <unistd.h>

#include "datagram.h"
#include "duration.h"
#include "log.h"
#include "net.h"

#define SESSIONS_MAX 10000
#define BUCKETS 4096 /* a power of two */
/* Datagrams that one client or all of them get through before others have their turn. */
#define TARGET_TURN 64
#define PUBLIC_TURN (4 * DATAGRAM_BATCH)
#define TARGET_RECEIVE_BUFFER (1024 * 1024)

struct udp_session {
	TAILQ_ENTRY(udp_session) age;
	LIST_ENTRY(udp_session) neighbour;
	struct relay_udp *relay;
	struct addr client;
	struct addr local; /* the one of our addresses that the client speaks to; unset: the kernel chooses */
	int fd;            /* connected to the target */
	struct event *readable;
	double last_used;
};

LIST_HEAD(bucket, udp_session);

struct relay_udp {
	struct event_base *base;
	const struct mapping *mapping;
	struct relay_counters *counters;
	int fd;
	struct event *readable;
	struct event *idle_timer; /* for the session at the head of sessions */
	bool crowded;             /* logged that sessions are replaced */
	bool target_fails;        /* logged; until the target answers */
	uint64_t seed;            /* nobody outside can choose addresses that share a bucket */
	size_t session_count;
	TAILQ_HEAD(, udp_session) sessions; /* the one idle longest first */
	struct bucket buckets[BUCKETS];
	struct datagram_batch *batch;
	uint8_t answer[DATAGRAM_SIZE];
};

static struct bucket *
bucket_of(struct relay_udp *r, const struct addr *client)
{
	uint32_t words[sizeof(*client) / sizeof(uint32_t)];
	uint64_t hash = r->seed;
	size_t i;

	memcpy(words, client, sizeof(words));
	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		hash = (hash ^ words[i]) * 0x9e3779b97f4a7c15u;
		hash ^= hash >> 32;
	}
	return &r->buckets[hash & (BUCKETS - 1)];
}

/* A struct addr has no undefined bytes, so memcmp tells link-local clients on
 * two interfaces apart, too. */
static struct udp_session *
find_session(struct relay_udp *r, const struct addr *client)
{
	struct udp_session *s;

	LIST_FOREACH(s, bucket_of(r, client), neighbour)
		if (memcmp(&s->client, client, sizeof(*client)) == 0)
			return s;
	return NULL;
}

static void
arm_idle_timer(struct relay_udp *r, double now)
{
	struct udp_session *first = TAILQ_FIRST(&r->sessions);
	struct timeval t;
	double wait;

	if (first == NULL || event_pending(r->idle_timer, EV_TIMEOUT, NULL))
		return;
	wait = first->last_used + r->mapping->udp_timeout - now;
	if (wait < 0.001)
		wait = 0.001; /* the loop's clock may be coarser than ours */
	t = duration(wait);
	event_add(r->idle_timer, &t);
}

static void
end_session(struct udp_session *s)
{
	struct relay_udp *r = s->relay;

	TAILQ_REMOVE(&r->sessions, s, age);
	LIST_REMOVE(s, neighbour);
	event_free(s->readable);
	close(s->fd);
	free(s);
	r->session_count--;
	relay_count_end(r->counters);
}

static void
touch_session(struct udp_session *s, double now)
{
	s->last_used = now;
	TAILQ_REMOVE(&s->relay->sessions, s, age);
	TAILQ_INSERT_TAIL(&s->relay->sessions, s, age);
}

static void
on_idle(evutil_socket_t fd, short what, void *arg)
{
	struct relay_udp *r = arg;
	double now = net_now();
	struct udp_session *s;

	(void)fd;
	(void)what;
	while ((s = TAILQ_FIRST(&r->sessions)) != NULL && s->last_used + r->mapping->udp_timeout <= now)
		end_session(s);
	arm_idle_timer(r, now);
}

/* Many clients may send to a target that is down: one line says so. */
static void
log_target_error(struct relay_udp *r, const struct addr *client, int error)
{
	char target[ADDR_TEXT_SIZE], from[ADDR_TEXT_SIZE];

	if (r->target_fails)
		return;
	r->target_fails = true;
	addr_text(&r->mapping->target, target);
	addr_text(client, from);
	if (error == ECONNREFUSED)
		log_warning("the target %s refused a datagram from %s", target, from);
	else
		log_warning("a datagram from %s cannot be sent to the target %s: %s", from, target, strerror(error));
}

static void
log_target_answers(struct relay_udp *r)
{
	char target[ADDR_TEXT_SIZE];

	if (!r->target_fails)
		return;
	r->target_fails = false;
	log_info("the target %s answers again", addr_text(&r->mapping->target, target));
}

static void
fail_session(struct udp_session *s, int error)
{
	log_target_error(s->relay, &s->client, error);
	end_session(s);
}

static void
on_target(evutil_socket_t fd, short what, void *arg)
{
	struct udp_session *s = arg;
	struct relay_udp *r = s->relay;
	ssize_t n;
	int i;

	(void)what;
	for (i = 0; i < TARGET_TURN; i++) {
		n = recv(fd, r->answer, sizeof(r->answer), 0);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			break;
		if (n < 0) {
			fail_session(s, errno);
			return;
		}
		if (datagram_send(r->fd, &s->local, &s->client, r->answer, (size_t)n) == 0)
			r->counters->bytes_out += (uint64_t)n;
	}
	if (i > 0) {
		touch_session(s, net_now());
		log_target_answers(r);
	}
}

/* Ends the session idle longest; false if there is none. */
static bool
make_room(struct relay_udp *r, const char *why)
{
	struct udp_session *oldest = TAILQ_FIRST(&r->sessions);

	if (oldest == NULL)
		return false;
	if (!r->crowded)
		log_warning("%zu UDP sessions and a new client (%s): the session idle longest makes room", r->session_count, why);
	r->crowded = true;
	end_session(oldest);
	return true;
}

static bool
is_shortage(int error)
{
	return error == EMFILE || error == ENFILE || error == ENOMEM || error == ENOBUFS;
}

static int
open_socket(struct relay_udp *r)
{
	int family = r->mapping->target.sa.sa_family, type = SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, fd;

	if (r->session_count >= SESSIONS_MAX) {
		make_room(r, "the most there may be");
		return socket(family, type, 0);
	}
	fd = socket(family, type, 0);
	if (fd < 0 && is_shortage(errno))
		return make_room(r, strerror(errno)) ? socket(family, type, 0) : -1;
	r->crowded = false;
	return fd;
}

/* The socket of a new session, connected to the target; -1 with errno. */
static int
connect_to_target(struct relay_udp *r)
{
	const struct addr *target = &r->mapping->target;
	int fd = open_socket(r), size = TARGET_RECEIVE_BUFFER, error;

	if (fd < 0)
		return -1;
	/* The kernel's limit may allow less, which only means more drops. */
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	if (connect(fd, &target->sa, addr_len(target)) == 0)
		return fd;
	error = errno;
	close(fd);
	errno = error;
	return -1;
}

static struct udp_session *
make_session(struct relay_udp *r, const struct addr *client, int fd)
{
	struct udp_session *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->relay = r;
	s->client = *client;
	s->fd = fd;
	s->readable = event_new(r->base, fd, EV_READ | EV_PERSIST, on_target, s);
	if (s->readable != NULL && event_add(s->readable, NULL) == 0)
		return s;
	if (s->readable != NULL)
		event_free(s->readable);
	free(s);
	return NULL;
}

static struct udp_session *
start_session(struct relay_udp *r, const struct addr *client)
{
	int fd = connect_to_target(r);
	struct udp_session *s;

	if (fd < 0) {
		log_target_error(r, client, errno);
		return NULL;
	}
	s = make_session(r, client, fd);
	if (s == NULL) {
		log_target_error(r, client, ENOMEM);
		close(fd);
		return NULL;
	}
	TAILQ_INSERT_TAIL(&r->sessions, s, age);
	LIST_INSERT_HEAD(bucket_of(r, client), s, neighbour);
	r->session_count++;
	relay_count_begin(r->counters);
	return s;
}

static bool
is_drop(int error)
{
	return error == EAGAIN || error == ENOBUFS || error == ENOMEM || error == EMSGSIZE;
}

/* Returns 0, also if it is lost as a datagram may be, or an errno. */
static int
send_to_target(struct udp_session *s, const void *data, size_t length)
{
	int tries;

	/* The first error may be that of an earlier datagram: this one is then not sent yet. */
	for (tries = 0; tries < 2; tries++) {
		if (send(s->fd, data, length, 0) >= 0) {
			s->relay->counters->bytes_in += length;
			return 0;
		}
		if (is_drop(errno))
			return 0;
	}
	return errno;
}

static bool
is_claimed(const struct relay_udp *r, const struct datagram *d)
{
	const struct relay_counters *c = r->counters;

	return c->claim_datagram != NULL && c->claim_datagram(c->context, &d->peer, d->data, d->length);
}

static void
take_datagram(struct relay_udp *r, const struct datagram *d, double now)
{
	struct udp_session *s = find_session(r, &d->peer);
	int error;

	if (s == NULL && !is_claimed(r, d))
		s = start_session(r, &d->peer);
	if (s == NULL)
		return;
	error = send_to_target(s, d->data, d->length);
	/* This machine may have another address since the session began. */
	if (net_is_no_network(error)) {
		end_session(s);
		s = start_session(r, &d->peer);
		error = s != NULL ? send_to_target(s, d->data, d->length) : 0;
	}
	if (s == NULL)
		return;
	touch_session(s, now);
	if (addr_is_set(&d->local))
		s->local = d->local;
	if (error != 0)
		fail_session(s, error);
}

static void
on_public(evutil_socket_t fd, short what, void *arg)
{
	struct relay_udp *r = arg;
	double now = net_now();
	int taken, n, i;

	(void)what;
	for (taken = 0; taken < PUBLIC_TURN; taken += n) {
		n = datagram_receive(r->batch, fd);
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			log_debug("receiving failed: %s", strerror(errno));
		for (i = 0; i < n; i++)
			take_datagram(r, datagram_get(r->batch, i), now);
		if (n < DATAGRAM_BATCH)
			break;
	}
	arm_idle_timer(r, now);
}

void
relay_udp_inject(struct relay_udp *relay, const struct addr *client, const void *data, size_t length)
{
	struct datagram d = {.peer = *client, .data = data, .length = length};
	double now = net_now();

	take_datagram(relay, &d, now);
	arm_idle_timer(relay, now);
}

static int
start(struct relay_udp *r)
{
	if (datagram_ask_local(r->fd) < 0)
		return -1;
	if (getrandom(&r->seed, sizeof(r->seed), 0) != sizeof(r->seed))
		return -1;
	errno = ENOMEM;
	r->batch = datagram_batch_new();
	r->idle_timer = event_new(r->base, -1, 0, on_idle, r);
	r->readable = event_new(r->base, r->fd, EV_READ | EV_PERSIST, on_public, r);
	if (r->batch == NULL || r->idle_timer == NULL || r->readable == NULL)
		return -1;
	return event_add(r->readable, NULL);
}

struct relay_udp *
relay_udp_open(struct event_base *base, const struct mapping *mapping, int fd, struct relay_counters *counters)
{
	struct relay_udp *r = calloc(1, sizeof(*r));
	int error;

	if (r == NULL) {
		close(fd);
		errno = ENOMEM;
		return NULL;
	}
	r->base = base;
	r->mapping = mapping;
	r->counters = counters;
	r->fd = fd;
	TAILQ_INIT(&r->sessions);
	if (start(r) == 0)
		return r;
	error = errno;
	relay_udp_close(r);
	errno = error;
	return NULL;
}

void
relay_udp_close(struct relay_udp *relay)
{
	struct udp_session *s;

	if (relay == NULL)
		return;
	while ((s = TAILQ_FIRST(&relay->sessions)) != NULL)
		end_session(s); /* NOLINT(clang-analyzer-unix.Malloc): it takes itself off the list */
	if (relay->readable != NULL)
		event_free(relay->readable);
	if (relay->idle_timer != NULL)
		event_free(relay->idle_timer);
	datagram_batch_free(relay->batch);
	close(relay->fd);
	free(relay);
}
