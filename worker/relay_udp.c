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
#include <unistd.h>

#include "chains.h"
#include "datagram.h"
#include "log.h"
#include "net.h"
#include "sendqueue.h"
#include "udp_sessions.h"

struct relay_udp {
	const struct mapping *mapping;
	struct relay_counters *counters;
	int fd;
	struct event *public_readable;
	struct event *targets_readable;
	bool target_fails; /* logged; until the target answers */
	uint16_t longest;  /* of segments, for new sessions */
	uint32_t turn;     /* of the sessions with answers */
	struct udp_sessions *sessions;
	struct datagram_batch *batch;
	struct sendqueue *queue;
	struct chains chains;
};

/* Many clients may send to a target that is down: one line says so. */
static void
note_target_error(struct relay_udp *r, const struct addr *to, const struct addr *client, int error)
{
	char target[ADDR_TEXT_SIZE], from[ADDR_TEXT_SIZE];

	relay_count_failure(r->counters, error);
	if (r->target_fails)
		return;
	r->target_fails = true;
	addr_text(to, target);
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
on_session_end(void *context, struct udp_session *s)
{
	struct relay_udp *r = context;

	chains_release(&r->chains, s);
}

static struct udp_session *
start_session(struct relay_udp *r, const struct addr *client, double now)
{
	struct udp_session *s = udp_sessions_start(r->sessions, client, r->longest, now);

	if (s == NULL && errno != 0)
		note_target_error(r, &r->mapping->target, client, errno);
	return s;
}

static void
fail_session(struct relay_udp *r, struct udp_session *s, int error)
{
	struct addr target = udp_session_target(r->sessions, s);

	note_target_error(r, &target, &s->client, error);
	udp_sessions_end(r->sessions, s);
}

/* The public socket has no error of its own: one is that of a single message. */
static void
send_to_clients(struct relay_udp *r)
{
	while (sendqueue_flush(r->queue, r->fd, &r->counters->bytes_out) != 0)
		sendqueue_skip(r->queue);
}

/* Most sessions have one answer at a time.  One that is ready in two turns on end has more. */
static int
receive_answers(struct relay_udp *r, struct udp_session *s, int count)
{
	if (!s->busy && s->turn + 1 == r->turn) {
		s->busy = true;
		datagram_ask_segments(s->fd);
	}
	s->turn = r->turn;
	return s->busy ? datagram_receive_at(r->batch, s->fd, count) : datagram_receive_one(r->batch, s->fd, count);
}

/* Queues what a session's target has sent, behind the count messages that wait in the
 * batch.  Returns how many wait then; if there is more, the session stays ready. */
static int
take_answers(struct relay_udp *r, struct udp_session *s, int count, double now)
{
	struct sendqueue_path to = {&s->client, &s->local, &s->longest_to_client};
	int n = receive_answers(r, s, count), error = errno, i;

	/* An error is told before the answers that arrived earlier. */
	if (n < 0 && !sendqueue_is_drop(error))
		n = receive_answers(r, s, count);
	/* Of a session that fails nothing waits: it has its turn once. */
	if (n < 0 && !sendqueue_is_drop(error))
		fail_session(r, s, error);
	if (n < 0)
		return count;
	for (i = count; i < count + n; i++)
		sendqueue_add(r->queue, &to, datagram_get(r->batch, i));
	udp_sessions_note_answer(r->sessions, s, now);
	log_target_answers(r);
	return count + n;
}

static void
on_targets(evutil_socket_t fd, short what, void *arg)
{
	struct relay_udp *r = arg;
	struct udp_session *ready[DATAGRAM_BATCH];
	int n = udp_sessions_ready(r->sessions, ready, DATAGRAM_BATCH), count = 0, i;
	double now = net_now();

	(void)fd;
	(void)what;
	r->turn++;
	for (i = 0; i < n; i++) {
		if (count == DATAGRAM_BATCH) {
			send_to_clients(r);
			count = 0;
		}
		count = take_answers(r, ready[i], count, now);
	}
	send_to_clients(r);
}

/* What waits in the queue is the session's. */
static void
send_to_target(struct relay_udp *r, struct udp_session *s, double now)
{
	uint64_t *bytes = &r->counters->bytes_in;
	int error = sendqueue_flush(r->queue, s->fd, bytes);

	/* This machine may have another address since the session began. */
	if (net_is_no_network(error))
		error = udp_sessions_reconnect(r->sessions, s) < 0 ? errno : sendqueue_flush(r->queue, s->fd, bytes);
	sendqueue_clear(r->queue);
	udp_sessions_note_datagram(r->sessions, s, now);
	if (error != 0)
		fail_session(r, s, error);
}

static void
send_one(struct relay_udp *r, struct udp_session *s, const struct datagram *d, double now)
{
	struct sendqueue_path to = {.longest = &s->longest_to_target};

	sendqueue_add(r->queue, &to, d);
	send_to_target(r, s, now);
}

static void
send_chain(struct relay_udp *r, const struct chain *chain, double now)
{
	struct udp_session *s = chain->session;
	struct sendqueue_path to = {.longest = &s->longest_to_target};
	int i;

	for (i = chain->first; i != CHAINS_END; i = r->chains.next[i])
		sendqueue_add(r->queue, &to, datagram_get(r->batch, i));
	chains_release(&r->chains, s);
	send_to_target(r, s, now);
}

static void
send_chains(struct relay_udp *r, double now)
{
	int i;

	for (i = 0; i < r->chains.count; i++)
		if (r->chains.all[i].session != NULL)
			send_chain(r, &r->chains.all[i], now);
	r->chains.count = 0;
}

/* Takes off what is the owner's.  Returns false if nothing is left. */
static bool
take_off_claimed(const struct relay_udp *r, struct datagram *d)
{
	const struct relay_counters *c = r->counters;
	size_t length;

	while (c->claim_datagram != NULL) {
		length = d->length < d->segment ? d->length : d->segment;
		if (!c->claim_datagram(c->context, &d->peer, d->data, length))
			break;
		if (length == d->length)
			return false;
		d->data += length;
		d->length -= length;
	}
	return true;
}

/* Another session may have to end for the new one, so nothing may wait in the chains. */
static void
take_unknown(struct relay_udp *r, struct datagram d, double now)
{
	struct udp_session *s = take_off_claimed(r, &d) ? start_session(r, &d.peer, now) : NULL;

	if (s == NULL)
		return;
	s->local = d.local;
	send_one(r, s, &d, now);
}

/* The count datagrams of the batch. */
static void
take_datagrams(struct relay_udp *r, int count, double now)
{
	struct udp_session *s = NULL;
	const struct datagram *d;
	int i;

	for (i = 0; i < count; i++) {
		d = datagram_get(r->batch, i);
		/* One client's often come in a row. */
		if (s == NULL || !udp_session_is_of(s, &d->peer))
			s = udp_sessions_find(r->sessions, &d->peer);
		if (s == NULL) {
			send_chains(r, now);
			take_unknown(r, *d, now);
			continue;
		}
		chains_append(&r->chains, s, i);
		if (addr_is_set(&d->local))
			s->local = d->local;
	}
	send_chains(r, now);
}

static void
on_public(evutil_socket_t fd, short what, void *arg)
{
	struct relay_udp *r = arg;
	int n = datagram_receive(r->batch, fd);

	(void)what;
	if (n < 0 && !sendqueue_is_drop(errno))
		log_debug("receiving failed: %s", strerror(errno));
	take_datagrams(r, n, net_now());
}

void
relay_udp_inject(struct relay_udp *relay, const struct addr *client, const void *data, size_t length)
{
	struct datagram d = {.peer = *client, .data = data, .length = length, .segment = length};
	struct udp_session *s = udp_sessions_find(relay->sessions, client);

	if (s == NULL)
		take_unknown(relay, d, net_now());
	else
		send_one(relay, s, &d, net_now());
}

void
relay_udp_change(struct relay_udp *relay)
{
	relay->target_fails = false; /* that of others may have */
	udp_sessions_change(relay->sessions);
}

static int
start(struct relay_udp *r, struct event_base *base)
{
	if (datagram_ask_local(r->fd) < 0)
		return -1;
	datagram_ask_segments(r->fd);
	r->longest = datagram_can_segment(r->fd) ? UINT16_MAX : 0;
	r->sessions = udp_sessions_new(base, r->mapping, r->counters, on_session_end, r);
	if (r->sessions == NULL)
		return -1;
	errno = ENOMEM;
	r->batch = datagram_batch_new(base);
	r->queue = sendqueue_new();
	r->public_readable = event_new(base, r->fd, EV_READ | EV_PERSIST, on_public, r);
	r->targets_readable =
	    event_new(base, udp_sessions_descriptor(r->sessions), EV_READ | EV_PERSIST, on_targets, r);
	if (r->batch == NULL || r->queue == NULL || r->public_readable == NULL || r->targets_readable == NULL)
		return -1;
	return event_add(r->public_readable, NULL) == 0 ? event_add(r->targets_readable, NULL) : -1;
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
	r->mapping = mapping;
	r->counters = counters;
	r->fd = fd;
	if (start(r, base) == 0)
		return r;
	error = errno;
	relay_udp_close(r);
	errno = error;
	return NULL;
}

void
relay_udp_close(struct relay_udp *relay)
{
	if (relay == NULL)
		return;
	if (relay->targets_readable != NULL)
		event_free(relay->targets_readable);
	if (relay->public_readable != NULL)
		event_free(relay->public_readable);
	sendqueue_free(relay->queue);
	datagram_batch_free(relay->batch);
	udp_sessions_free(relay->sessions);
	close(relay->fd);
	free(relay);
}
