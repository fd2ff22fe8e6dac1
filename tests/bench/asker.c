/* SPDX-License-Identifier: ISC */
/*
 * An outside client that only ever uses the address last published, for the measurements
 * of how long a mapping is out of reach.
 *
 *     asker tcp NAME STATUS-FILE LOCAL-ADDRESS TEXT    the page at / must contain TEXT
 *     asker udp NAME STATUS-FILE LOCAL-ADDRESS         a datagram must come back
 *
 * Ten times a second, until it is ended, it asks at the outer address that natterd's
 * STATUS-FILE has at that moment for the mapping NAME, each time from a port of its own, and
 * gives up after a second.  Where no address is published it asks at the last one.  Lines:
 *
 *     pub TIME ADDRESS|- STATE          what is published changed
 *     ask TIME ADDRESS REASON SECONDS   an ask ended: "ok" or why it failed
 *
 * TIME is when that was, or when the ask was begun, in seconds of CLOCK_BOOTTIME: the clock
 * of /proc/uptime, so that scripts have it too.
 */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <time.h>
#include <unistd.h>

#include "addr.h"
#include "status.h"

#define PERIOD_US 100000
#define PATIENCE_US 1000000
/* Twice as many as can be waiting at a time. */
#define ASKS_MAX 20
#define ANSWER_MAX 2048

struct ask {
	uint64_t began; /* 0: free */
	size_t length;  /* of the answer, over TCP */
	struct addr to;
	bool sent;
	char answer[ANSWER_MAX];
};

static struct {
	bool tcp;
	const char *name, *path, *text;
	struct addr local;
	struct status published; /* at present */
	struct addr last;        /* the address last published */
	uint64_t number;         /* of asks begun */
} asker;

static struct ask asks[ASKS_MAX];
/* The last one is inotify's. */
static struct pollfd fds[ASKS_MAX + 1];

static void __attribute__((noreturn))
die(const char *what)
{
	fprintf(stderr, "asker: %s: %s\n", what, strerror(errno));
	exit(2);
}

static uint64_t
now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

static void
print_time(const char *what, uint64_t us)
{
	printf("%s %" PRIu64 ".%06" PRIu64, what, us / 1000000, us % 1000000);
}

/* Looks what is published now. */
static void
look(void)
{
	struct status now = status_read(asker.path, asker.name);

	if (strcmp(now.outer, asker.published.outer) == 0 && strcmp(now.state, asker.published.state) == 0)
		return;
	asker.published = now;
	print_time("pub", now_us());
	printf(" %s %s\n", *now.outer != '\0' ? now.outer : "-", now.state);
	if (*now.outer != '\0' && addr_parse(now.outer, 0, &asker.last) < 0)
		die("the published address");
}

static const char *
reason_of(int error)
{
	switch (error) {
	case ECONNREFUSED:
		return "refused";
	case ECONNRESET:
	case EPIPE:
		return "reset";
	case EHOSTUNREACH:
	case ENETUNREACH:
		return "unreachable";
	case ETIMEDOUT:
		return "silence";
	default:
		return "error";
	}
}

static void
end_ask(size_t i, const char *reason)
{
	char text[ADDR_TEXT_SIZE];
	uint64_t took = now_us() - asks[i].began;

	print_time("ask", asks[i].began);
	printf(" %s %s %.3f\n", addr_text(&asks[i].to, text), reason, (double)took / 1e6);
	close(fds[i].fd);
	fds[i].fd = -1;
	asks[i].began = 0;
}

static void
send_question(size_t i)
{
	static const char page[] = "GET / HTTP/1.1\r\nHost: inside\r\nConnection: close\r\n\r\n";
	char nonce[64];

	/* What must come back is kept where it is compared. */
	snprintf(nonce, sizeof(nonce), "ask %" PRIu64 " of %d at %" PRIu64, asker.number, (int)getpid(), asks[i].began);
	if (!asker.tcp)
		memcpy(asks[i].answer, nonce, sizeof(nonce));
	if ((asker.tcp ? send(fds[i].fd, page, sizeof(page) - 1, MSG_NOSIGNAL)
	               : send(fds[i].fd, nonce, strlen(nonce), 0)) < 0) {
		end_ask(i, reason_of(errno));
		return;
	}
	asks[i].sent = true;
	fds[i].events = POLLIN;
}

static void
begin_ask(void)
{
	size_t i = 0;
	int fd;

	while (i < ASKS_MAX && asks[i].began != 0)
		i++;
	if (!addr_is_set(&asker.last) || i == ASKS_MAX)
		return;
	fd = socket(AF_INET, (asker.tcp ? SOCK_STREAM : SOCK_DGRAM) | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0 || bind(fd, &asker.local.sa, addr_len(&asker.local)) < 0)
		die("bind");
	asker.number++;
	asks[i] = (struct ask){.began = now_us(), .to = asker.last};
	fds[i] = (struct pollfd){.fd = fd, .events = POLLOUT};
	if (connect(fd, &asker.last.sa, addr_len(&asker.last)) < 0 && errno != EINPROGRESS)
		end_ask(i, reason_of(errno));
	else if (!asker.tcp)
		send_question(i);
}

static void
receive_page(size_t i)
{
	struct ask *a = &asks[i];
	ssize_t n = recv(fds[i].fd, a->answer + a->length, ANSWER_MAX - 1 - a->length, 0);

	if (n < 0 && errno == EAGAIN)
		return;
	if (n < 0) {
		end_ask(i, reason_of(errno));
		return;
	}
	a->length += (size_t)n;
	a->answer[a->length] = '\0';
	if (strstr(a->answer, asker.text) != NULL)
		end_ask(i, "ok");
	else if (n == 0 || a->length == ANSWER_MAX - 1)
		end_ask(i, a->length == 0 ? "closed" : "wrong");
}

static void
receive_echo(size_t i)
{
	char echo[ANSWER_MAX];
	ssize_t n = recv(fds[i].fd, echo, sizeof(echo), 0);

	if (n < 0 && errno == EAGAIN)
		return;
	if (n < 0)
		end_ask(i, reason_of(errno));
	else if ((size_t)n == strlen(asks[i].answer) && memcmp(echo, asks[i].answer, (size_t)n) == 0)
		end_ask(i, "ok");
	else
		end_ask(i, "wrong");
}

static void
go_on(size_t i)
{
	int error = 0;
	socklen_t length = sizeof(error);

	if (!asks[i].sent && getsockopt(fds[i].fd, SOL_SOCKET, SO_ERROR, &error, &length) == 0 && error != 0)
		end_ask(i, reason_of(error));
	else if (!asks[i].sent)
		send_question(i);
	else if (asker.tcp)
		receive_page(i);
	else
		receive_echo(i);
}

/* A reset, not a close: nothing of an ask given up is sent again later. */
static void
give_up_late(void)
{
	struct linger reset = {.l_onoff = 1};
	uint64_t now = now_us();
	size_t i;

	for (i = 0; i < ASKS_MAX; i++) {
		if (asks[i].began == 0 || now - asks[i].began < PATIENCE_US)
			continue;
		setsockopt(fds[i].fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
		end_ask(i, "silence");
	}
}

static int
watch_file(void)
{
	char folder[PATH_MAX], *slash;
	int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);

	snprintf(folder, sizeof(folder), "%s", asker.path);
	slash = strrchr(folder, '/');
	if (slash == NULL || slash == folder)
		snprintf(folder, sizeof(folder), "%s", slash == NULL ? "." : "/");
	else
		*slash = '\0';
	if (fd < 0 || inotify_add_watch(fd, folder, IN_MOVED_TO | IN_DELETE) < 0)
		die(folder);
	return fd;
}

/* Until the next ask is due. */
static void
serve_until(uint64_t due)
{
	char events[4096];
	uint64_t now;
	size_t i;

	while ((now = now_us()) < due) {
		if (poll(fds, ASKS_MAX + 1, (int)((due - now + 999) / 1000)) < 0)
			die("poll");
		if (fds[ASKS_MAX].revents != 0) {
			while (read(fds[ASKS_MAX].fd, events, sizeof(events)) > 0)
				;
			look();
		}
		for (i = 0; i < ASKS_MAX; i++)
			if (asks[i].began != 0 && fds[i].revents != 0)
				go_on(i);
		give_up_late();
	}
}

static void __attribute__((noreturn))
run(void)
{
	uint64_t due = now_us();
	size_t i;

	for (i = 0; i < ASKS_MAX; i++)
		fds[i].fd = -1;
	fds[ASKS_MAX] = (struct pollfd){.fd = watch_file(), .events = POLLIN};
	for (;;) {
		look();
		begin_ask();
		/* No burst after a time without processor. */
		for (due += PERIOD_US; due < now_us(); due += PERIOD_US)
			;
		serve_until(due);
	}
}

int
main(int argc, char **argv)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	asker.tcp = argc == 6 && strcmp(argv[1], "tcp") == 0;
	if ((asker.tcp || (argc == 5 && strcmp(argv[1], "udp") == 0)) && addr_parse(argv[4], 0, &asker.local) == 0) {
		asker.name = argv[2];
		asker.path = argv[3];
		asker.text = argv[5];
		run();
	}
	fprintf(stderr, "usage: asker tcp NAME STATUS-FILE LOCAL-ADDRESS TEXT | asker udp NAME STATUS-FILE LOCAL-ADDRESS\n");
	return 2;
}
