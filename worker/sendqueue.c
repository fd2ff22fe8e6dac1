/* SPDX-License-Identifier: ISC */
/*
 * Sending several at once; see sendqueue.h.
 */
#include "sendqueue.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"

/* What becomes one message. */
struct run {
	size_t length;
	size_t segment;
	size_t count; /* of datagrams */
	size_t control_length; /* without that of the segments */
	uint16_t *longest;
	int refused; /* the errno that it met as one message; 0: none */
	bool full; /* the last one is shorter, so that nothing can follow it */
};

struct sendqueue {
	int first; /* that was not sent yet */
	int runs;
	int parts;
	bool refusal_told;
	struct run run[DATAGRAM_BATCH];
	struct mmsghdr messages[DATAGRAM_BATCH];
	union datagram_control controls[DATAGRAM_BATCH];
	struct iovec part[DATAGRAM_BATCH];
};

struct sendqueue *
sendqueue_new(void)
{
	return calloc(1, sizeof(struct sendqueue));
}

void
sendqueue_free(struct sendqueue *queue)
{
	free(queue);
}

void
sendqueue_clear(struct sendqueue *queue)
{
	queue->first = queue->runs = queue->parts = 0;
}

static size_t
count_segments(const struct datagram *d)
{
	return d->segment == 0 ? 1 : (d->length + d->segment - 1) / d->segment;
}

/* All but the last of a message have the same length, and none is empty. */
static bool
fits(const struct run *run, const struct sendqueue_path *to, const struct datagram *d)
{
	size_t count = count_segments(d);

	return run->longest == to->longest && !run->full && d->length > 0 && run->segment <= *to->longest &&
	       (count == 1 ? d->length <= run->segment : d->segment == run->segment) &&
	       run->count + count <= DATAGRAM_SEGMENTS && run->length + d->length <= DATAGRAM_SEGMENTS_SIZE;
}

static void
begin_run(struct sendqueue *q, const struct sendqueue_path *to, const struct datagram *d)
{
	struct msghdr *msg = &q->messages[q->runs].msg_hdr;
	struct run *run = &q->run[q->runs];

	*run = (struct run){.segment = d->segment, .longest = to->longest};
	memset(msg, 0, sizeof(*msg));
	msg->msg_iov = &q->part[q->parts];
	if (to->peer != NULL)
		datagram_address(msg, &q->controls[q->runs], to->local, to->peer);
	run->control_length = msg->msg_controllen;
	q->runs++;
}

void
sendqueue_add(struct sendqueue *queue, const struct sendqueue_path *to, const struct datagram *d)
{
	struct run *run;

	if (queue->runs == 0 || !fits(&queue->run[queue->runs - 1], to, d))
		begin_run(queue, to, d);
	run = &queue->run[queue->runs - 1];
	queue->part[queue->parts].iov_base = (void *)(uintptr_t)d->data;
	queue->part[queue->parts].iov_len = d->length;
	queue->parts++;
	queue->messages[queue->runs - 1].msg_hdr.msg_iovlen++;
	run->length += d->length;
	run->count += count_segments(d);
	run->full = d->length == 0 || run->length % run->segment != 0;
}

/* The most bytes of it in one message. */
static size_t
longest_piece(const struct run *run)
{
	size_t most = DATAGRAM_SEGMENTS * run->segment;

	if (run->count == 1)
		return run->length;
	if (run->refused != 0 || run->segment > *run->longest)
		return run->segment;
	return most < DATAGRAM_SEGMENTS_SIZE ? most : DATAGRAM_SEGMENTS_SIZE - DATAGRAM_SEGMENTS_SIZE % run->segment;
}

/* As one message; else in pieces. */
static bool
leaves_whole(const struct run *run)
{
	return run->length <= longest_piece(run);
}

/* Tells the messages what they are. */
static void
finish_runs(struct sendqueue *q)
{
	const struct run *run;
	int i;

	for (i = q->first; i < q->runs; i++) {
		run = &q->run[i];
		q->messages[i].msg_hdr.msg_controllen = run->control_length;
		if (run->count > 1 && leaves_whole(run))
			datagram_set_segment(&q->messages[i].msg_hdr, &q->controls[i], (uint16_t)run->segment);
	}
}

bool
sendqueue_is_drop(int error)
{
	return error == EAGAIN || error == ENOBUFS || error == ENOMEM || error == EMSGSIZE || error == EINTR;
}

/* Does the way there, or this kernel, take no such message? */
static bool
is_refusal(int error)
{
	return error == EIO || error == EINVAL || error == EMSGSIZE || error == ENOPROTOOPT;
}

/* One alone has left: so what was refused is sending several as one. */
static void
note_refusal(struct sendqueue *q, struct run *run)
{
	int error = run->refused;

	run->refused = 0;
	/* Segments that are too long say nothing of shorter ones. */
	*run->longest = error == EIO || error == ENOPROTOOPT ? 0 : (uint16_t)(run->segment - 1);
	if (!q->refusal_told)
		log_debug("several datagrams of %zu bytes cannot be sent as one (%s), so they are sent singly",
		    run->segment, strerror(error));
	q->refusal_told = true;
}

/* A datagram needs no message around it if the socket knows the rest. */
static ssize_t
send_message(int fd, const struct msghdr *msg)
{
	if (msg->msg_name == NULL && msg->msg_iovlen == 1 && msg->msg_controllen == 0)
		return send(fd, msg->msg_iov->iov_base, msg->msg_iov->iov_len, 0);
	return sendmsg(fd, msg, 0);
}

/* The first error on a connected socket may be that of an earlier datagram: this one is
 * not sent yet then.  Returns 0 or an errno. */
static int
send_twice(int fd, const struct msghdr *msg, uint64_t *bytes)
{
	ssize_t n = send_message(fd, msg);

	if (n < 0)
		n = send_message(fd, msg);
	if (n < 0)
		return errno;
	*bytes += (uint64_t)n;
	return 0;
}

/* The same for the first of what waits.  If it is refused as one message, it waits on. */
static int
send_whole(struct sendqueue *q, int fd, uint64_t *bytes)
{
	struct run *run = &q->run[q->first];
	int error = send_twice(fd, &q->messages[q->first].msg_hdr, bytes);

	if (run->count > 1 && is_refusal(error)) {
		run->refused = error;
		return 0;
	}
	if (error == 0 || sendqueue_is_drop(error))
		q->first++;
	return error;
}

static void
cut(struct msghdr *msg, size_t length)
{
	struct iovec *part = msg->msg_iov;

	part->iov_base = (uint8_t *)part->iov_base + length;
	part->iov_len -= length;
	if (part->iov_len == 0) {
		msg->msg_iov++;
		msg->msg_iovlen--;
	}
}

/* The same for what is first of that: no datagram reaches from one part into the next. */
static int
send_piece(struct sendqueue *q, int fd, uint64_t *bytes)
{
	struct run *run = &q->run[q->first];
	struct msghdr *msg = &q->messages[q->first].msg_hdr, piece = *msg;
	union datagram_control control = q->controls[q->first];
	struct iovec part = *msg->msg_iov;
	int error;

	if (part.iov_len > longest_piece(run))
		part.iov_len = longest_piece(run);
	piece.msg_iov = &part;
	piece.msg_iovlen = 1;
	piece.msg_control = &control;
	piece.msg_controllen = run->control_length;
	if (part.iov_len > run->segment)
		datagram_set_segment(&piece, &control, (uint16_t)run->segment);
	error = send_twice(fd, &piece, bytes);
	if (part.iov_len > run->segment && is_refusal(error)) {
		run->refused = error;
		return 0;
	}
	if (error == 0 && run->refused != 0)
		note_refusal(q, run);
	if (error == 0 || sendqueue_is_drop(error))
		cut(msg, part.iov_len);
	if (msg->msg_iovlen == 0)
		q->first++;
	return error;
}

/* As many as leave whole, at once.  Returns how many were sent. */
static int
send_many(struct sendqueue *q, int fd, uint64_t *bytes)
{
	int last = q->first, n, i;

	while (last < q->runs && leaves_whole(&q->run[last]))
		last++;
	if (last - q->first < 2)
		return 0;
	n = sendmmsg(fd, &q->messages[q->first], (unsigned int)(last - q->first), 0);
	for (i = 0; i < n; i++)
		*bytes += q->run[q->first + i].length;
	q->first += n > 0 ? n : 0;
	return n;
}

int
sendqueue_flush(struct sendqueue *queue, int fd, uint64_t *bytes)
{
	int error;

	finish_runs(queue);
	while (queue->first < queue->runs) {
		if (send_many(queue, fd, bytes) > 0)
			continue;
		error = leaves_whole(&queue->run[queue->first]) ? send_whole(queue, fd, bytes)
								: send_piece(queue, fd, bytes);
		if (error != 0 && !sendqueue_is_drop(error))
			return error;
	}
	sendqueue_clear(queue);
	return 0;
}

void
sendqueue_skip(struct sendqueue *queue)
{
	queue->first++;
}
