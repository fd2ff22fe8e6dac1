/* SPDX-License-Identifier: ISC */
/*
 * Clients that come and go in every way, at the addresses that natterd has published.
 *
 *     churn STATUS-FILE LOCAL-ADDRESS SEED TCP-MAPPING UDP-MAPPING [COUNT]
 *
 * Both mappings lead to an echo.  A few dozen clients are there at a time, each of a
 * random kind (see enum manner), and what comes back is checked to the byte.  After
 * SIGTERM, or the COUNTth client, none is begun, those that are there finish, and a
 * line of JSON tells what became of all:
 *
 *     connections, sessions   begun over TCP and over UDP
 *     bytes                   that came back right
 *     done                    clients that came to the end they wanted
 *     refused, cut            could not connect; ended by the other side, or answered too late
 *     lost                    datagrams that never came back
 *     wrong                   clients that got something else than they sent
 */
#include <inttypes.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <unistd.h>

#include "load.h"
#include "status.h"

#define CLIENTS 32
#define BEGIN_NS 10000000u /* between two of them */
#define PATIENCE_NS 8000000000u
#define DATAGRAM_NS 1000000000u /* one that is not back by then is lost */
#define PIECE 16384
#define DATAGRAM_MOST 1400

/* What a client does. */
enum manner {
	TRANSFER,   /* sends, has all of it back, closes */
	HALF_CLOSE, /* sends, says that it is done, and has all of it back then */
	HOLD,       /* is silent for seconds before it sends */
	RESET,      /* breaks off in the middle of it */
	VANISH,     /* is gone without a word */
	LOOK,       /* connects and closes */
	MANNERS
};

static const char *const manners[MANNERS] = {"transfer", "half-close", "hold", "reset", "vanish", "look"};

struct client {
	bool used, tcp, connected;
	enum manner manner;
	uint32_t key; /* its bytes follow from it */
	size_t size, sent, got;
	size_t datagram;    /* the bytes of the one that is under way; 0: none is */
	uint64_t silent_to; /* moments, in ns */
	uint64_t give_up;
};

static struct {
	const char *path, *names[2]; /* of mappings: UDP, TCP */
	struct addr local, outer[2];
	uint64_t random, count;
	uint64_t connections, sessions, bytes, done, refused, cut, lost, wrong;
} churn;

static struct client clients[CLIENTS];
static struct pollfd fds[CLIENTS];

/* Lehmer's generator, as in soak.bash. */
static uint32_t
draw(uint32_t below)
{
	churn.random = churn.random * 48271 % 2147483647;
	return (uint32_t)(churn.random / 7) % below;
}

static void
fill(const struct client *c, size_t from, char *data, size_t length)
{
	size_t i;

	for (i = 0; i < length; i++)
		data[i] = (char)((c->key + (uint32_t)(from + i) * 2654435761u) >> 24);
}

static void
finish(size_t i, uint64_t *count)
{
	const struct client *c = &clients[i];

	if (count != &churn.done)
		fprintf(stderr, "%s %s: %s, %zu of %zu bytes sent, %zu back\n", c->tcp ? "tcp" : "udp", manners[c->manner],
		    count == &churn.lost ? "lost" : count == &churn.wrong ? "wrong" : count == &churn.cut ? "cut" : "refused",
		    c->sent, c->size, c->got);
	(*count)++;
	close(fds[i].fd);
	fds[i].fd = -1;
	clients[i].used = false;
}

static void
finish_well(size_t i)
{
	struct linger linger = {.l_onoff = 1};
	int on = 1;

	if (clients[i].manner == RESET)
		(void)setsockopt(fds[i].fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	/* Then nothing is sent, not even a FIN: as if the machine had lost its power. */
	if (clients[i].manner == VANISH && clients[i].tcp &&
	    setsockopt(fds[i].fd, IPPROTO_TCP, TCP_REPAIR, &on, sizeof(on)) < 0)
		load_die("TCP_REPAIR");
	finish(i, &churn.done);
}

/* --- Beginning --- */

static void
look_at_status(void)
{
	struct status s;
	int i;

	for (i = 0; i < 2; i++) {
		s = status_read(churn.path, churn.names[i]);
		memset(&churn.outer[i], 0, sizeof(churn.outer[i]));
		if (*s.outer != '\0' && addr_parse(s.outer, 0, &churn.outer[i]) < 0)
			load_die("the published address");
	}
}

static void
begin(size_t i)
{
	static const size_t sizes[] = {1, 100, 1000, 10000, 100000, 400000};
	struct client *c = &clients[i];
	uint64_t now = load_now_ns();

	*c = (struct client){.used = true, .tcp = draw(3) != 0, .manner = draw(MANNERS), .key = draw(UINT32_MAX)};
	c->size = c->manner == LOOK ? 0 : 1 + draw((uint32_t)sizes[draw(c->tcp ? 6 : 4)]);
	c->silent_to = c->manner == HOLD ? now + (1 + draw(3)) * 1000000000u : now;
	c->give_up = c->silent_to + PATIENCE_NS;
	if (!addr_is_set(&churn.outer[c->tcp])) {
		c->used = false;
		return;
	}
	fds[i].fd = socket(AF_INET, (c->tcp ? SOCK_STREAM : SOCK_DGRAM) | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fds[i].fd < 0 || bind(fds[i].fd, &churn.local.sa, addr_len(&churn.local)) < 0)
		load_die("bind");
	(*(c->tcp ? &churn.connections : &churn.sessions))++;
	if (connect(fds[i].fd, &churn.outer[c->tcp].sa, addr_len(&churn.outer[c->tcp])) < 0 && errno != EINPROGRESS)
		finish(i, &churn.refused);
}

/* The first client that is there, or is not; CLIENTS if all are otherwise. */
static size_t
find(bool used)
{
	size_t i = 0;

	while (i < CLIENTS && clients[i].used != used)
		i++;
	return i;
}

static void
begin_one(void)
{
	size_t i = find(false);

	if (i == CLIENTS)
		return;
	look_at_status();
	begin(i);
}

/* --- Going on --- */

static void
take(size_t i, const char *data, size_t length)
{
	struct client *c = &clients[i];
	char expected[PIECE];

	fill(c, c->got, expected, length);
	if (c->got + length > c->sent || memcmp(expected, data, length) != 0) {
		finish(i, &churn.wrong);
		return;
	}
	c->got += length;
	churn.bytes += length;
	c->datagram = 0;
	/* Who half-closed waits for the end that must come, too; who breaks off does so in the middle. */
	if ((c->got == c->size && !(c->tcp && c->manner == HALF_CLOSE)) ||
	    ((c->manner == RESET || c->manner == VANISH) && c->got >= c->size / 2))
		finish_well(i);
}

static void
receive(size_t i)
{
	struct client *c = &clients[i];
	char data[PIECE];
	ssize_t n;

	while (c->used && (n = recv(fds[i].fd, data, sizeof(data), 0)) != 0) {
		if (n < 0 && errno == EAGAIN)
			return;
		if (n < 0)
			finish(i, &churn.cut);
		else
			take(i, data, (size_t)n);
	}
	if (c->used)
		finish(i, c->manner == HALF_CLOSE && c->got == c->size ? &churn.done : &churn.cut);
}

static void
send_some(size_t i)
{
	struct client *c = &clients[i];
	size_t left = c->size - c->sent, length = c->tcp ? PIECE : DATAGRAM_MOST;
	char data[PIECE];
	ssize_t n;

	if (length > left)
		length = left;
	fill(c, c->sent, data, length);
	n = send(fds[i].fd, data, length, MSG_NOSIGNAL);
	if (n < 0 && errno != EAGAIN) {
		finish(i, &churn.cut);
		return;
	}
	if (n < 0)
		return;
	c->sent += (size_t)n;
	c->datagram = c->tcp ? 0 : (size_t)n;
	c->give_up = load_now_ns() + (c->tcp ? PATIENCE_NS : DATAGRAM_NS);
	if (c->tcp && c->sent == c->size && c->manner == HALF_CLOSE)
		(void)shutdown(fds[i].fd, SHUT_WR);
}

/* Returns false if the client is over. */
static bool
is_connected(size_t i)
{
	int error = 0;
	socklen_t length = sizeof(error);

	if (clients[i].connected)
		return true;
	if (getsockopt(fds[i].fd, SOL_SOCKET, SO_ERROR, &error, &length) < 0 || error != 0) {
		finish(i, &churn.refused);
		return false;
	}
	clients[i].connected = true;
	if (clients[i].manner == LOOK)
		finish_well(i);
	return clients[i].used;
}

static short
interest(const struct client *c, uint64_t now)
{
	if (!c->connected)
		return POLLOUT;
	return (short)(POLLIN | (c->sent < c->size && c->datagram == 0 && now >= c->silent_to ? POLLOUT : 0));
}

static void
go_on(size_t i, short events)
{
	if (!is_connected(i))
		return;
	if ((events & (POLLIN | POLLERR | POLLHUP)) != 0)
		receive(i);
	if (clients[i].used && (events & interest(&clients[i], load_now_ns()) & POLLOUT) != 0)
		send_some(i);
}

/* A datagram that is lost is no failure of its session. */
static void
give_up(size_t i)
{
	if (clients[i].datagram > 0)
		finish(i, &churn.lost);
	else
		finish(i, clients[i].connected ? &churn.cut : &churn.refused);
}

static void
turn(void)
{
	uint64_t now = load_now_ns();
	size_t i;

	for (i = 0; i < CLIENTS; i++)
		fds[i].events = interest(&clients[i], now);
	if (poll(fds, CLIENTS, 5) < 0 && errno != EINTR)
		load_die("poll");
	for (i = 0; i < CLIENTS; i++) {
		if (clients[i].used && fds[i].revents != 0)
			go_on(i, fds[i].revents);
		if (clients[i].used && load_now_ns() > clients[i].give_up)
			give_up(i);
		fds[i].revents = 0;
	}
}

static void
run(void)
{
	uint64_t due = load_now_ns();
	size_t i;

	for (i = 0; i < CLIENTS; i++)
		fds[i].fd = -1;
	while (!load_ended || find(true) < CLIENTS) {
		if (churn.connections + churn.sessions >= churn.count)
			load_ended = 1;
		if (!load_ended && load_now_ns() >= due) {
			begin_one();
			due = load_now_ns() + BEGIN_NS;
		}
		turn();
	}
	printf("{\"connections\":%" PRIu64 ",\"sessions\":%" PRIu64 ",\"bytes\":%" PRIu64 ",\"done\":%" PRIu64
	       ",\"refused\":%" PRIu64 ",\"cut\":%" PRIu64 ",\"lost\":%" PRIu64 ",\"wrong\":%" PRIu64 "}\n",
	    churn.connections, churn.sessions, churn.bytes, churn.done, churn.refused, churn.cut, churn.lost, churn.wrong);
}

int
main(int argc, char **argv)
{
	if (argc < 6 || addr_parse(argv[2], 0, &churn.local) < 0) {
		fprintf(stderr, "usage: churn STATUS-FILE LOCAL-ADDRESS SEED TCP-MAPPING UDP-MAPPING [COUNT]\n");
		return 2;
	}
	churn.path = argv[1];
	churn.random = strtoul(argv[3], NULL, 10) % 2147483646 + 1;
	churn.names[0] = argv[5];
	churn.names[1] = argv[4];
	churn.count = argc > 6 ? strtoul(argv[6], NULL, 10) : UINT64_MAX;
	load_end_by_signal();
	run();
	return 0;
}
