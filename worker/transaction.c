/* SPDX-License-Identifier: ISC */
/*
 * A STUN transaction over UDP; see transaction.h.
 */
#include "transaction.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "log.h"
#include "net.h"

/* RFC 8489, 6.2.1: RTO 500 ms, doubled after each of Rc = 7 requests, and after
 * the last one Rm = 16 times the RTO. */
#define RTO_MS 500
#define RC 7
#define RM 16
/* The first three of these requests, and the pause that would follow them. */
#define SHORT_REQUESTS 3
/* Answers that come later than so many further transactions are lost among the clients' datagrams:
 * two questions to as many servers as there may be. */
#define REMEMBERED 64

static struct stun_id remembered[REMEMBERED];
static unsigned int begun;

void
transaction_stop(struct transaction *t)
{
	t->running = false;
	event_del(t->timer);
}

static void
fail(struct transaction *t, int error)
{
	transaction_stop(t);
	t->failed(t->context, error, error != 0 ? net_connect_error(error) : "no answer");
}

static unsigned int
requests_of(const struct transaction *t)
{
	return t->schedule == TRANSACTION_FULL ? RC : SHORT_REQUESTS;
}

static void
arm_timer(struct transaction *t)
{
	unsigned int ms = t->sent == RC ? RTO_MS * RM : RTO_MS << (t->sent - 1);
	struct timeval wait = {.tv_sec = ms / 1000, .tv_usec = (ms % 1000) * 1000}, now = {0};

	event_add(t->timer, t->error == 0 ? &wait : &now);
}

static void
transmit(struct transaction *t)
{
	uint8_t request[STUN_REQUEST_SIZE];
	size_t length = stun_build_request(request, &t->id, t->change);
	const struct sockaddr *to = addr_is_set(&t->to) ? &t->to.sa : NULL;

	t->sent++;
	if (sendto(t->fd, request, length, MSG_NOSIGNAL, to, addr_len(&t->to)) < 0)
		t->error = errno;
	/* What a full queue loses is sent again like what the network loses. */
	if (t->error == EAGAIN || t->error == ENOBUFS)
		t->error = 0;
	arm_timer(t);
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct transaction *t = arg;

	(void)fd;
	(void)what;
	if (t->error == 0 && t->sent < requests_of(t))
		transmit(t);
	else
		fail(t, t->error);
}

void
transaction_init(struct transaction *t, struct event_base *base, transaction_failed *failed, void *context)
{
	memset(t, 0, sizeof(*t));
	t->failed = failed;
	t->context = context;
	t->timer = event_new(base, -1, 0, on_timer, t);
	if (t->timer == NULL)
		fatal("out of memory");
}

void
transaction_free(struct transaction *t)
{
	event_free(t->timer);
	t->timer = NULL;
	t->running = false;
}

void
transaction_begin(struct transaction *t, int fd, const struct addr *to, unsigned int change,
    enum transaction_schedule schedule)
{
	t->fd = fd;
	memset(&t->to, 0, sizeof(t->to));
	if (to != NULL)
		t->to = *to;
	t->change = change;
	t->schedule = schedule;
	t->sent = 0;
	t->error = 0;
	t->id = stun_new_id();
	remembered[begun++ % REMEMBERED] = t->id;
	t->running = true;
	transmit(t);
}

int
transaction_take(struct transaction *t, const uint8_t *data, size_t length, struct stun_response *out)
{
	int result;

	errno = EBADMSG;
	if (!t->running)
		return -1;
	result = stun_parse_response(data, length, &t->id, out);
	if (result == 0 || errno != EBADMSG)
		transaction_stop(t);
	return result;
}

bool
transaction_is_answered(struct transaction *t, const uint8_t *data, size_t length, struct stun_response *out)
{
	return transaction_take(t, data, length, out) == 0 || errno != EBADMSG;
}

bool
transaction_was_begun(const uint8_t *data, size_t length)
{
	unsigned int i, known = begun < REMEMBERED ? begun : REMEMBERED;

	if (!stun_is_message(data, length))
		return false;
	for (i = 0; i < known; i++)
		if (stun_is_response(data, &remembered[i]))
			return true;
	return false;
}

void
transaction_refuse(struct transaction *t, int error)
{
	if (t->running)
		fail(t, error);
}
