/* SPDX-License-Identifier: ISC */
/*
 * The echo; see echo.h.
 */
#include "echo.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "datagram.h"
#include "log.h"
#include "net.h"

struct peer {
	struct addr addr;
	double budget;    /* answers that are left of it ... */
	double seen;      /* ... at this time on the monotonic clock; 0: nobody is here */
	uint32_t payload; /* of the last answer, hashed */
};

struct echo {
	struct relay_counters *counters;
	int fd;
	struct event *readable;
	struct datagram_batch *batch;
	double second;       /* when it began, on the monotonic clock, ... */
	unsigned int credit; /* ... and how many answers are left of it */
	struct peer peers[ECHO_PEERS];
};

/* FNV-1a.  Two that are confused cost an honest client no more than a repetition. */
static uint32_t
hash(const uint8_t *data, size_t length)
{
	uint32_t h = 2166136261u;

	while (length-- > 0)
		h = (h ^ *data++) * 16777619u;
	return h;
}

/* The peer of that address, who may have taken the place of the one not seen for longest. */
static struct peer *
find_peer(struct echo *e, const struct addr *addr)
{
	struct peer *p, *oldest = e->peers;

	for (p = e->peers; p < e->peers + ECHO_PEERS; p++) {
		if (p->seen > 0 && addr_equal(&p->addr, addr))
			return p;
		if (p->seen < oldest->seen)
			oldest = p;
	}
	*oldest = (struct peer){.addr = *addr, .budget = ECHO_BUDGET};
	return oldest;
}

/* What comes from another echo comes again and again, until the budget is used up:
 * what is not answered then has left the loop. */
static bool
takes_from_budget(struct peer *p, double now, const struct datagram *d)
{
	uint32_t payload = hash(d->data, d->length);
	double price = p->seen > 0 && p->payload == payload ? ECHO_REPETITION : 1;

	if (p->seen > 0)
		p->budget += (now - p->seen) * ECHO_REFILL;
	if (p->budget > ECHO_BUDGET)
		p->budget = ECHO_BUDGET;
	p->seen = now;
	if (p->budget < price)
		return false;
	p->budget -= price;
	p->payload = payload;
	return true;
}

static bool
may_answer(struct echo *e, const struct datagram *d)
{
	double now = net_now();

	if (now - e->second >= 1) {
		e->second = now;
		e->credit = ECHO_A_SECOND;
	}
	if (e->credit == 0 || !takes_from_budget(find_peer(e, &d->peer), now, d))
		return false;
	e->credit--;
	return true;
}

static bool
is_claimed(const struct echo *e, const struct datagram *d)
{
	const struct relay_counters *c = e->counters;

	return c->claim_datagram != NULL && c->claim_datagram(c->context, &d->peer, d->data, d->length);
}

static void
take_datagram(struct echo *e, const struct datagram *d)
{
	if (is_claimed(e, d))
		return;
	e->counters->bytes_in += d->length;
	if (addr_port(&d->peer) < ECHO_PORT_MIN || !may_answer(e, d))
		return;
	/* As UDP does, it drops what cannot be sent at once. */
	if (datagram_send(e->fd, &d->local, &d->peer, d->data, d->length) == 0)
		e->counters->bytes_out += d->length;
}

/* There is no session that would begin or end: its bytes are news by themselves. */
static void
tell_traffic(struct echo *e)
{
	if (e->counters->on_connections != NULL)
		e->counters->on_connections(e->counters->context);
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct echo *e = arg;
	int i, n = datagram_receive(e->batch, fd);

	(void)what;
	if (n < 0 && errno != EAGAIN && errno != EINTR)
		log_debug("receiving failed: %s", strerror(errno));
	for (i = 0; i < n; i++)
		take_datagram(e, datagram_get(e->batch, i));
	if (n > 0)
		tell_traffic(e);
}

void
echo_inject(struct echo *echo, const struct addr *client, const void *data, size_t length)
{
	struct datagram d = {.peer = *client, .data = data, .length = length};

	take_datagram(echo, &d);
	tell_traffic(echo);
}

static int
start(struct echo *e, struct event_base *base)
{
	if (datagram_ask_local(e->fd) < 0)
		return -1;
	errno = ENOMEM;
	e->batch = datagram_batch_new(base);
	e->readable = event_new(base, e->fd, EV_READ | EV_PERSIST, on_readable, e);
	return e->batch == NULL || e->readable == NULL ? -1 : event_add(e->readable, NULL);
}

struct echo *
echo_open(struct event_base *base, int fd, struct relay_counters *counters)
{
	struct echo *e = calloc(1, sizeof(*e));
	int error;

	if (e == NULL) {
		close(fd);
		errno = ENOMEM;
		return NULL;
	}
	e->counters = counters;
	e->fd = fd;
	if (start(e, base) == 0)
		return e;
	error = errno;
	echo_close(e);
	errno = error;
	return NULL;
}

void
echo_close(struct echo *echo)
{
	if (echo == NULL)
		return;
	if (echo->readable != NULL)
		event_free(echo->readable);
	datagram_batch_free(echo->batch);
	close(echo->fd);
	free(echo);
}
