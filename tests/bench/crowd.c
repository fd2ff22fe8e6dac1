/* SPDX-License-Identifier: ISC */
/*
 * A crowd of clients that are there at the same time, each checked to the byte.
 *
 *     crowd tcp|udp ADDRESS:PORT COUNT LOCAL-ADDRESS...
 *
 * Opens COUNT connections, or UDP sockets, from the local addresses in turn, and
 * keeps them.  When all are open comes a round: each sends a message of its own
 * and expects that back.  SIGUSR1 begins another round, SIGTERM is the end.  A
 * few hundred are under way at a time, so that what is lost was lost by the
 * relay and not for want of room on the way.  Each round prints a line of JSON;
 * "closed" are those that the other side ended, in all.
 */
#include <stdbool.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "load.h"

#define UNDER_WAY_MOST 256
#define EVENTS 256
#define PATIENCE_NS 10000000000u
#define MESSAGE 64

enum phase {
	CLOSED,
	CONNECTING,
	QUIET,
	ASKED,
};

struct member {
	int fd;
	enum phase phase;
	size_t got; /* bytes of its answer */
};

static struct {
	bool tcp;
	struct addr peer;
	struct member members[LOAD_SOCKETS_MAX];
	uint32_t count, under_way, round;
	uint32_t right, wrong, lost, closed; /* all but the last of this round */
	int loop;
} crowd;

static volatile sig_atomic_t wanted;

static void
on_wanted(int signo)
{
	(void)signo;
	wanted++;
}

/* The bytes of one member in one round: nobody else's are the same. */
static void
message_of(uint32_t index, char message[MESSAGE])
{
	int length = snprintf(message, MESSAGE, "member %u in round %u ", index, crowd.round);

	memset(message + length, 'a' + (int)(index % 26), (size_t)(MESSAGE - length));
}

static void
set_phase(struct member *m, enum phase phase)
{
	bool was = m->phase == CONNECTING || m->phase == ASKED, is = phase == CONNECTING || phase == ASKED;

	crowd.under_way += (uint32_t)is - (uint32_t)was;
	m->phase = phase;
}

static void
lose(struct member *m)
{
	close(m->fd);
	set_phase(m, CLOSED);
	crowd.closed++;
}

/* --- Opening --- */

static void
open_member(uint32_t index, const struct addr *local)
{
	struct member *m = &crowd.members[index];
	struct epoll_event interest = {.events = EPOLLIN | (crowd.tcp ? EPOLLOUT | EPOLLET : 0), .data.u32 = index};
	int type = crowd.tcp ? SOCK_STREAM : SOCK_DGRAM;

	m->fd = socket(crowd.peer.sa.sa_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (m->fd < 0 || bind(m->fd, &local->sa, addr_len(local)) < 0 ||
	    (connect(m->fd, &crowd.peer.sa, addr_len(&crowd.peer)) < 0 && errno != EINPROGRESS))
		load_die("connect");
	set_phase(m, crowd.tcp ? CONNECTING : QUIET);
	if (epoll_ctl(crowd.loop, EPOLL_CTL_ADD, m->fd, &interest) < 0)
		load_die("epoll_ctl");
}

static void
on_connected(struct member *m)
{
	int error = 0;
	socklen_t length = sizeof(error);

	if (getsockopt(m->fd, SOL_SOCKET, SO_ERROR, &error, &length) < 0 || error != 0) {
		fprintf(stderr, "connecting failed: %s\n", strerror(error));
		lose(m);
	} else {
		set_phase(m, QUIET);
	}
}

/* --- Rounds --- */

static void
ask(uint32_t index)
{
	struct member *m = &crowd.members[index];
	char message[MESSAGE];

	if (m->phase != QUIET)
		return;
	message_of(index, message);
	m->got = 0;
	set_phase(m, ASKED);
	if (send(m->fd, message, sizeof(message), MSG_NOSIGNAL) != sizeof(message))
		lose(m);
}

/* What comes unasked, or too much, is wrong as well. */
static void
take(uint32_t index, const char *data, size_t length)
{
	struct member *m = &crowd.members[index];
	char message[MESSAGE];

	message_of(index, message);
	if (m->phase != ASKED || m->got + length > MESSAGE || memcmp(message + m->got, data, length) != 0) {
		crowd.wrong++;
		if (m->phase == ASKED)
			set_phase(m, QUIET);
		return;
	}
	m->got += length;
	if (m->got < MESSAGE)
		return;
	crowd.right++;
	set_phase(m, QUIET);
}

static void
on_event(uint32_t index)
{
	struct member *m = &crowd.members[index];
	char data[2 * MESSAGE];
	ssize_t n;

	if (m->phase == CONNECTING)
		on_connected(m);
	while (m->phase != CLOSED) {
		n = recv(m->fd, data, sizeof(data), 0);
		if (n < 0 && errno == EAGAIN)
			return;
		if (n > 0) {
			take(index, data, (size_t)n);
			continue;
		}
		fprintf(stderr, "ended by the other side: %s\n", n == 0 ? "closed" : strerror(errno));
		lose(m);
	}
}

/* Until no more than so many are under way, or nothing has happened for too long. */
static void
serve(uint32_t most)
{
	struct epoll_event events[EVENTS];
	uint64_t last = load_now_ns();
	int i, n;

	while (crowd.under_way > most && load_now_ns() - last < PATIENCE_NS && !load_ended) {
		n = epoll_wait(crowd.loop, events, EVENTS, 100);
		for (i = 0; i < n; i++)
			on_event(events[i].data.u32);
		if (n > 0)
			last = load_now_ns();
	}
}

static void
give_up(void)
{
	uint32_t i;

	for (i = 0; i < crowd.count; i++) {
		if (crowd.members[i].phase == CONNECTING)
			lose(&crowd.members[i]);
		if (crowd.members[i].phase != ASKED)
			continue;
		set_phase(&crowd.members[i], QUIET);
		crowd.lost++;
	}
}

static void
do_round(void)
{
	uint64_t began = load_now_ns();
	uint32_t i;

	crowd.round++;
	crowd.right = crowd.wrong = crowd.lost = 0;
	for (i = 0; i < crowd.count; i++) {
		serve(UNDER_WAY_MOST - 1);
		ask(i);
	}
	serve(0);
	give_up();
	printf("{\"round\":%u,\"open\":%u,\"right\":%u,\"wrong\":%u,\"lost\":%u,\"closed\":%u,\"seconds\":%.3f}\n", crowd.round,
	    crowd.count - crowd.closed, crowd.right, crowd.wrong, crowd.lost, crowd.closed,
	    (double)(load_now_ns() - began) / 1e9);
}

/* Signals but these moments are held back, so that none is missed. */
static void
rounds(void)
{
	struct epoll_event event;
	sigset_t block, none;
	int done = 0;

	sigemptyset(&none);
	sigemptyset(&block);
	sigaddset(&block, SIGUSR1);
	sigaddset(&block, SIGTERM);
	for (;;) {
		sigprocmask(SIG_SETMASK, &none, NULL);
		for (; done <= wanted && !load_ended; done++)
			do_round();
		sigprocmask(SIG_SETMASK, &block, NULL);
		if (load_ended)
			return;
		if (done > wanted && epoll_pwait(crowd.loop, &event, 1, -1, &none) > 0)
			on_event(event.data.u32);
	}
}

static void
open_all(int locals, char **names)
{
	struct addr local;
	uint32_t i;

	for (i = 0; i < crowd.count; i++) {
		if (addr_parse(names[i % (uint32_t)locals], 0, &local) < 0)
			load_die("local address");
		serve(UNDER_WAY_MOST - 1);
		open_member(i, &local);
	}
	serve(0);
	give_up();
}

int
main(int argc, char **argv)
{
	struct sigaction action = {.sa_handler = on_wanted};

	setvbuf(stdout, NULL, _IOLBF, 0);
	crowd.tcp = argc > 1 && strcmp(argv[1], "tcp") == 0;
	crowd.count = argc > 3 ? (uint32_t)strtoul(argv[3], NULL, 10) : 0;
	if (argc < 5 || (!crowd.tcp && strcmp(argv[1], "udp") != 0) || addr_parse(argv[2], 0, &crowd.peer) < 0 ||
	    crowd.count == 0 || crowd.count > LOAD_SOCKETS_MAX) {
		fprintf(stderr, "usage: crowd tcp|udp ADDRESS:PORT COUNT LOCAL-ADDRESS...\n");
		return 2;
	}
	load_many_descriptors();
	load_end_by_signal();
	if (sigaction(SIGUSR1, &action, NULL) < 0)
		load_die("sigaction");
	crowd.loop = epoll_create1(EPOLL_CLOEXEC);
	open_all(argc - 4, argv + 4);
	rounds();
	return 0;
}
