/* SPDX-License-Identifier: ISC */
/*
 * Round trips of datagrams: how many, how long, how many lost.
 *
 *     pings echo ADDRESS:PORT
 *     pings ask ADDRESS:PORT SECONDS SIZE SOCKETS OUTSTANDING
 *
 * "echo" sends everything back, until SIGTERM.  Each of the SOCKETS of "ask" has
 * so many datagrams OUTSTANDING, from the first moment on, and sends another one
 * as soon as one is back.  One that is not back within half a second is lost,
 * and a late one is no answer.  It prints counts, and how long round trips took,
 * as JSON.
 */
#include <stdbool.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "load.h"

#define PATIENCE_NS 500000000u
#define LOOK_NS 50000000u
#define BATCH 64
#define SIZE_LARGEST 2048
#define OUTSTANDING_MOST BATCH
#define EVENTS 256
#define SAMPLES_MOST 8000000

/* At the begin of each datagram. */
struct head {
	uint32_t slot;
	uint32_t number; /* another one each time the slot is used */
};

struct slot {
	uint64_t sent_ns; /* 0: not under way */
	uint32_t number;
};

static struct {
	int fds[LOAD_SOCKETS_MAX];
	struct slot *slots; /* those of the first socket, those of the second.. */
	size_t size, sockets, outstanding;
	uint32_t next_number;
	uint64_t asked, answered, lost, late, refused, under_way;
	uint32_t *samples_ns;
	bool ending;
} asker;

/* One set for receiving, one for sending. */
static char data[2][BATCH][SIZE_LARGEST];
static struct iovec vectors[2][BATCH];
static struct mmsghdr in[BATCH], out[BATCH];
static struct sockaddr_in6 names[BATCH];

static void
prepare(size_t out_size)
{
	int i;

	for (i = 0; i < BATCH; i++) {
		vectors[0][i] = (struct iovec){data[0][i], SIZE_LARGEST};
		vectors[1][i] = (struct iovec){data[1][i], out_size};
		in[i].msg_hdr.msg_iov = &vectors[0][i];
		out[i].msg_hdr.msg_iov = &vectors[1][i];
		in[i].msg_hdr.msg_iovlen = out[i].msg_hdr.msg_iovlen = 1;
	}
}

/* --- Echo --- */

static void
echo_batch(int fd)
{
	int i, n;

	for (i = 0; i < BATCH; i++) {
		in[i].msg_hdr.msg_name = &names[i];
		in[i].msg_hdr.msg_namelen = sizeof(names[i]);
		vectors[0][i].iov_len = SIZE_LARGEST;
	}
	n = recvmmsg(fd, in, BATCH, MSG_WAITFORONE, NULL);
	for (i = 0; i < n; i++)
		vectors[0][i].iov_len = in[i].msg_len;
	if (n > 0)
		(void)sendmmsg(fd, in, (unsigned int)n, 0);
}

static int
echo(const struct addr *local)
{
	int fd = load_bound(local);

	load_end_by_signal();
	prepare(0);
	while (!load_ended)
		echo_batch(fd);
	return 0;
}

/* --- Asking --- */

/* Sends what was put into the first count messages of out. */
static void
send_out(int fd, unsigned int count)
{
	unsigned int done = 0;
	int n;

	while (done < count) {
		n = sendmmsg(fd, out + done, count - done, 0);
		if (n > 0) {
			done += (unsigned int)n;
		} else if (errno == ECONNREFUSED) {
			/* What an earlier datagram earned: this one was not sent. */
			asker.refused++;
		} else if (errno == EAGAIN) {
			/* No room on this machine: the rest will count as lost. */
			return;
		} else if (errno != EINTR) {
			load_die("send");
		}
	}
}

/* The slot is under way again, by the message at the given place of out. */
static void
use_slot(uint32_t index, unsigned int place, uint64_t now)
{
	struct head head = {.slot = index, .number = asker.next_number++};

	asker.slots[index] = (struct slot){.sent_ns = now, .number = head.number};
	memcpy(data[1][place], &head, sizeof(head));
	asker.asked++;
	asker.under_way++;
}

/* Every free slot of one socket. */
static void
fill_socket(size_t which)
{
	uint32_t first = (uint32_t)(which * asker.outstanding), i;
	uint64_t now = load_now_ns();
	unsigned int count = 0;

	for (i = first; i < first + asker.outstanding; i++)
		if (asker.slots[i].sent_ns == 0)
			use_slot(i, count++, now);
	send_out(asker.fds[which], count);
}

/* Is it an answer that is waited for?  Then the slot is free. */
static bool
take_answer(const char *answer, size_t length, uint64_t now)
{
	struct slot *slot;
	struct head head;

	memcpy(&head, answer, sizeof(head));
	if (length != asker.size || head.slot >= asker.sockets * asker.outstanding)
		return false;
	slot = &asker.slots[head.slot];
	if (slot->sent_ns == 0 || slot->number != head.number)
		return false;
	if (asker.answered < SAMPLES_MOST)
		asker.samples_ns[asker.answered] = (uint32_t)(now - slot->sent_ns);
	slot->sent_ns = 0;
	asker.under_way--;
	asker.answered++;
	return true;
}

static void
on_readable(size_t which)
{
	int i, n = recvmmsg(asker.fds[which], in, BATCH, MSG_DONTWAIT, NULL);
	uint64_t now = load_now_ns();

	if (n < 0) {
		asker.refused += errno == ECONNREFUSED;
		return;
	}
	for (i = 0; i < n; i++)
		if (!take_answer(data[0][i], in[i].msg_len, now))
			asker.late++;
	if (!asker.ending)
		fill_socket(which);
}

/* Gives up what was under way for too long, or everything. */
static void
give_up(uint64_t now, bool everything)
{
	size_t i, k;

	for (i = 0; i < asker.sockets; i++) {
		struct slot *slot = &asker.slots[i * asker.outstanding];
		bool lost = false;

		for (k = 0; k < asker.outstanding; k++, slot++) {
			if (slot->sent_ns == 0 || (!everything && slot->sent_ns + PATIENCE_NS > now))
				continue;
			slot->sent_ns = 0;
			asker.lost++;
			asker.under_way--;
			lost = true;
		}
		if (lost && !asker.ending)
			fill_socket(i);
	}
}

static int
by_size(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static void
print_result(double seconds, uint64_t answered)
{
	size_t count = asker.answered < SAMPLES_MOST ? asker.answered : SAMPLES_MOST;
	double p50 = 0, p99 = 0;

	if (count > 0) {
		qsort(asker.samples_ns, count, sizeof(*asker.samples_ns), by_size);
		size_t middle = count / 2, late = count * 99 / 100;

		p50 = asker.samples_ns[middle] / 1e3;
		p99 = asker.samples_ns[late] / 1e3;
	}
	printf("{\"asked\":%ju,\"answered\":%ju,\"lost\":%ju,\"late\":%ju,\"refused\":%ju,\"seconds\":%.6f,"
	       "\"rate\":%.1f,\"p50_us\":%.1f,\"p99_us\":%.1f}\n",
	    (uintmax_t)asker.asked, (uintmax_t)asker.answered, (uintmax_t)asker.lost, (uintmax_t)asker.late,
	    (uintmax_t)asker.refused, seconds, seconds > 0 ? (double)answered / seconds : 0, p50, p99);
}

static void
open_sockets(const struct addr *peer, int loop)
{
	size_t i;

	for (i = 0; i < asker.sockets; i++) {
		struct epoll_event interest = {.events = EPOLLIN, .data.u64 = i};

		asker.fds[i] = load_connected(peer, SOCK_NONBLOCK);
		if (epoll_ctl(loop, EPOLL_CTL_ADD, asker.fds[i], &interest) < 0)
			load_die("epoll_ctl");
	}
}

static void
turn(int loop)
{
	struct epoll_event events[EVENTS];
	int i, n = epoll_wait(loop, events, EVENTS, 20);

	for (i = 0; i < n; i++)
		on_readable(events[i].data.u64);
}

static int
ask(const struct addr *peer, double seconds)
{
	uint64_t began, now, look, answered;
	int loop = epoll_create1(EPOLL_CLOEXEC);
	size_t i;

	load_many_descriptors();
	asker.slots = calloc(asker.sockets * asker.outstanding, sizeof(*asker.slots));
	asker.samples_ns = malloc(SAMPLES_MOST * sizeof(*asker.samples_ns));
	if (loop < 0 || asker.slots == NULL || asker.samples_ns == NULL)
		load_die("begin");
	prepare(asker.size);
	/* What an earlier run is still owed is not taken for an answer. */
	asker.next_number = (uint32_t)load_now_ns();
	open_sockets(peer, loop);
	began = look = load_now_ns();
	for (i = 0; i < asker.sockets; i++)
		fill_socket(i);
	while ((now = load_now_ns()) < began + (uint64_t)(seconds * 1e9)) {
		turn(loop);
		if (now - look > LOOK_NS) {
			give_up(now, false);
			look = now;
		}
	}
	answered = asker.answered;
	asker.ending = true;
	seconds = (double)(now - began) / 1e9;
	while (asker.under_way > 0 && load_now_ns() < now + PATIENCE_NS)
		turn(loop);
	give_up(0, true);
	print_result(seconds, answered);
	return 0;
}

int
main(int argc, char **argv)
{
	struct addr address;

	if (argc == 3 && strcmp(argv[1], "echo") == 0 && addr_parse(argv[2], 0, &address) == 0)
		return echo(&address);
	if (argc == 7 && strcmp(argv[1], "ask") == 0 && addr_parse(argv[2], 0, &address) == 0) {
		asker.size = strtoul(argv[4], NULL, 10);
		asker.sockets = strtoul(argv[5], NULL, 10);
		asker.outstanding = strtoul(argv[6], NULL, 10);
		if (asker.size >= sizeof(struct head) && asker.size <= SIZE_LARGEST && asker.sockets >= 1 &&
		    asker.sockets <= LOAD_SOCKETS_MAX && asker.outstanding >= 1 && asker.outstanding <= OUTSTANDING_MOST)
			return ask(&address, atof(argv[3]));
	}
	fprintf(stderr, "usage: pings echo ADDRESS:PORT | ask ADDRESS:PORT SECONDS SIZE SOCKETS OUTSTANDING\n");
	return 2;
}
