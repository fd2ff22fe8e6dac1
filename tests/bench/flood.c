/* SPDX-License-Identifier: ISC */
/*
 * Datagrams one way, as many as possible or at a rate, and their count.
 *
 *     flood receive ADDRESS:PORT RUN
 *     flood send ADDRESS:PORT RUN SECONDS SIZE SOCKETS SEGMENTS RATE
 *
 * Each datagram has SIZE bytes, of which the first eight are the number RUN and
 * the datagram's own number.  With several SOCKETS they take turns, one datagram
 * each.  SEGMENTS above 1 are sent by one call that the kernel cuts up
 * (UDP_SEGMENT); RATE is datagrams per second, 0 for all that is possible.
 * "send" prints how many it sent, as JSON.  "receive" counts until SIGTERM what
 * has its RUN and never came before, and prints that.
 */
#include <netinet/udp.h>
#include <stdbool.h>

#include "load.h"

#define SIZE_LARGEST 65507
#define SEGMENTS_MOST 64
#define BATCH 64
/* Enough for 20 s of the fastest sender. */
#define NUMBERS (1u << 27)
#define GRO_MESSAGES 16
#define GRO_BUFFER 65536

struct head {
	uint32_t run;
	uint32_t number;
};

union control {
	struct cmsghdr header;
	char space[CMSG_SPACE(sizeof(int))];
};

/* --- Receiving --- */

static uint8_t seen[NUMBERS / 8];

static struct {
	uint64_t datagrams, bytes, twice, strange;
	uint64_t first_ns, last_ns;
	uint32_t most; /* datagrams in one message */
} got;

static void
count_one(const char *data, size_t size, uint32_t run)
{
	struct head head;
	uint8_t bit;

	if (size < sizeof(head)) {
		got.strange++;
		return;
	}
	memcpy(&head, data, sizeof(head));
	if (head.run != run || head.number >= NUMBERS) {
		got.strange++;
		return;
	}
	bit = (uint8_t)(1u << (head.number % 8));
	if (seen[head.number / 8] & bit) {
		got.twice++;
		return;
	}
	seen[head.number / 8] |= bit;
	got.datagrams++;
	got.bytes += size;
}

/* The size of the datagrams that the kernel put together; all of it if it did not. */
static size_t
segment_size(struct msghdr *m, size_t length)
{
	struct cmsghdr *c;
	int size;

	for (c = CMSG_FIRSTHDR(m); c != NULL; c = CMSG_NXTHDR(m, c))
		if (c->cmsg_level == SOL_UDP && c->cmsg_type == UDP_GRO) {
			memcpy(&size, CMSG_DATA(c), sizeof(size));
			return size > 0 ? (size_t)size : length;
		}
	return length;
}

static void
count_message(struct mmsghdr *m, uint32_t run)
{
	size_t length = m->msg_len, size = segment_size(&m->msg_hdr, length), at = 0, one;
	const char *data = m->msg_hdr.msg_iov->iov_base;
	uint32_t segments = 0;

	do {
		one = length - at < size ? length - at : size;
		count_one(data + at, one, run);
		segments++;
		at += one;
	} while (at < length);
	if (segments > got.most)
		got.most = segments;
}

static int
receive(const struct addr *local, uint32_t run)
{
	static char data[GRO_MESSAGES][GRO_BUFFER];
	static union control controls[GRO_MESSAGES];
	struct mmsghdr messages[GRO_MESSAGES];
	struct iovec vectors[GRO_MESSAGES];
	int fd = load_bound(local), yes = 1, i, n;

	load_end_by_signal();
	if (setsockopt(fd, SOL_UDP, UDP_GRO, &yes, sizeof(yes)) < 0)
		load_die("UDP_GRO");
	memset(messages, 0, sizeof(messages));
	while (!load_ended) {
		for (i = 0; i < GRO_MESSAGES; i++) {
			vectors[i] = (struct iovec){data[i], GRO_BUFFER};
			messages[i].msg_hdr.msg_iov = &vectors[i];
			messages[i].msg_hdr.msg_iovlen = 1;
			messages[i].msg_hdr.msg_control = &controls[i];
			messages[i].msg_hdr.msg_controllen = sizeof(controls[i]);
		}
		n = recvmmsg(fd, messages, GRO_MESSAGES, MSG_WAITFORONE, NULL);
		for (i = 0; i < n; i++)
			count_message(&messages[i], run);
		if (n > 0) {
			got.last_ns = load_now_ns();
			if (got.first_ns == 0)
				got.first_ns = got.last_ns;
		}
	}
	printf("{\"datagrams\":%ju,\"bytes\":%ju,\"seconds\":%.6f,\"twice\":%ju,\"strange\":%ju,\"together\":%u}\n",
	    (uintmax_t)got.datagrams, (uintmax_t)got.bytes, (double)(got.last_ns - got.first_ns) / 1e9,
	    (uintmax_t)got.twice, (uintmax_t)got.strange, got.most);
	return 0;
}

/* --- Sending --- */

static struct {
	uint32_t run, number;
	size_t size, segments; /* segments in each message */
	unsigned int messages; /* messages in each call */
	uint64_t sent, refused;
	struct mmsghdr out[BATCH];
	struct iovec vectors[BATCH];
	union control controls[BATCH];
	char *data;
} sender;

/* The messages of a call, all alike but for the numbers in them. */
static void
prepare(void)
{
	size_t length = sender.size * sender.segments;
	uint16_t segment = (uint16_t)sender.size;
	struct msghdr *m;
	unsigned int i;

	sender.data = calloc(sender.messages, length);
	if (sender.data == NULL)
		load_die("memory");
	for (i = 0; i < sender.messages; i++) {
		m = &sender.out[i].msg_hdr;
		sender.vectors[i] = (struct iovec){sender.data + i * length, length};
		m->msg_iov = &sender.vectors[i];
		m->msg_iovlen = 1;
		if (sender.segments == 1)
			continue;
		m->msg_control = &sender.controls[i];
		m->msg_controllen = CMSG_SPACE(sizeof(segment));
		sender.controls[i].header.cmsg_level = SOL_UDP;
		sender.controls[i].header.cmsg_type = UDP_SEGMENT;
		sender.controls[i].header.cmsg_len = CMSG_LEN(sizeof(segment));
		memcpy(CMSG_DATA(&sender.controls[i].header), &segment, sizeof(segment));
	}
}

static void
send_batch(int fd)
{
	struct head head = {.run = sender.run};
	size_t i, count = sender.messages * sender.segments;
	int n;

	for (i = 0; i < count; i++) {
		head.number = sender.number + (uint32_t)i;
		memcpy(sender.data + i * sender.size, &head, sizeof(head));
	}
	n = sendmmsg(fd, sender.out, sender.messages, 0);
	if (n < 0) {
		/* An ICMP error that an earlier datagram earned: nothing was sent. */
		if (errno != ECONNREFUSED)
			load_die("send");
		sender.refused++;
		return;
	}
	/* The numbers of what was not sent are used again. */
	sender.number += (uint32_t)((size_t)n * sender.segments);
	sender.sent += (uint64_t)n * sender.segments;
}

static void
wait_for_turn(uint64_t began_ns, double rate)
{
	struct timespec pause = {.tv_nsec = 100000};

	while ((double)sender.sent > (double)(load_now_ns() - began_ns) / 1e9 * rate)
		nanosleep(&pause, NULL);
}

static int
send_all(const struct addr *peer, double seconds, int sockets, double rate)
{
	static int fds[LOAD_SOCKETS_MAX];
	uint64_t began, now, end;
	int i;

	load_many_descriptors();
	for (i = 0; i < sockets; i++)
		fds[i] = load_connected(peer, 0);
	prepare();
	began = load_now_ns();
	end = began + (uint64_t)(seconds * 1e9);
	for (i = 0; (now = load_now_ns()) < end; i = (i + 1) % sockets) {
		if (rate > 0)
			wait_for_turn(began, rate);
		send_batch(fds[i]);
	}
	printf("{\"sent\":%ju,\"bytes\":%ju,\"seconds\":%.6f,\"refused\":%ju}\n", (uintmax_t)sender.sent,
	    (uintmax_t)(sender.sent * sender.size), (double)(now - began) / 1e9, (uintmax_t)sender.refused);
	return 0;
}

static bool
usable(int sockets)
{
	return sender.size >= sizeof(struct head) && sender.segments >= 1 && sender.segments <= SEGMENTS_MOST &&
	       sender.size * sender.segments <= SIZE_LARGEST && sockets >= 1 && sockets <= LOAD_SOCKETS_MAX;
}

int
main(int argc, char **argv)
{
	struct addr address;
	int sockets;

	if (argc == 4 && strcmp(argv[1], "receive") == 0 && addr_parse(argv[2], 0, &address) == 0)
		return receive(&address, (uint32_t)strtoul(argv[3], NULL, 10));
	if (argc == 9 && strcmp(argv[1], "send") == 0 && addr_parse(argv[2], 0, &address) == 0) {
		sender.run = (uint32_t)strtoul(argv[3], NULL, 10);
		sender.size = strtoul(argv[5], NULL, 10);
		sender.segments = strtoul(argv[7], NULL, 10);
		sockets = atoi(argv[6]);
		/* Several clients mix; a single one, or one with large messages, fills its calls. */
		sender.messages = sockets > 1 ? 1 : sender.segments > 1 ? 4 : BATCH;
		if (usable(sockets))
			return send_all(&address, atof(argv[4]), sockets, atof(argv[8]));
	}
	fprintf(stderr, "usage: flood receive ADDRESS:PORT RUN\n"
	                "       flood send ADDRESS:PORT RUN SECONDS SIZE SOCKETS SEGMENTS RATE\n");
	return 2;
}
