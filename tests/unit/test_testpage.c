/* SPDX-License-Identifier: ISC */
/*
 * The test page on the loopback interface: what it answers, to whom, and that
 * clients that are slow, greedy or many cost it little.
 * NEEDS: worker/testpage worker/relay worker/relay_tcp worker/connections worker/connections_change worker/connections_idle worker/connections_dial worker/admission worker/clients worker/fence worker/uplink worker/expiry worker/target worker/pipes worker/poller worker/pump worker/buffer worker/net
 */
#include "loop.h"
#include "testpage.h"

#define PAGE "<h1>It works!</h1><hr/>Natter"

static struct relay_tcp *relay;
static char answer[4096];
static size_t answer_length;

static void
open_page(void)
{
	int fd = bind_to(SOCK_STREAM, "127.0.0.1", 0, &t.public);

	MUST(fd >= 0);
	memset(&t.counters, 0, sizeof(t.counters));
	t.mapping.test_page = 1;
	MUST((relay = relay_tcp_open(t.base, &t.mapping, fd, &t.counters)) != NULL);
}

static void
close_page(void)
{
	relay_tcp_close(relay);
	CHECK(t.counters.connections == 0);
}

static void
send_text(int fd, const char *text)
{
	CHECK(send(fd, text, strlen(text), MSG_NOSIGNAL) == (ssize_t)strlen(text));
}

/* Reads what is there; returns true at the end of the stream, however it came. */
static bool
read_some(int fd)
{
	ssize_t n = recv(fd, answer + answer_length, sizeof(answer) - 1 - answer_length, 0);

	if (n > 0)
		answer_length += (size_t)n;
	answer[answer_length] = '\0';
	return n == 0 || (n < 0 && errno != EAGAIN);
}

static const char *
wait_for_answer(int fd)
{
	answer_length = 0;
	WAIT_FOR(read_some(fd));
	return answer;
}

/* One request on one connection. */
static const char *
ask(const char *request)
{
	uint64_t before = t.counters.connections_total;
	int fd = connect_to(SOCK_STREAM, &t.public);

	WAIT_FOR(t.counters.connections_total == before + 1);
	send_text(fd, request);
	wait_for_answer(fd);
	close(fd);
	return answer;
}

static bool
begins(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

static const char *
body(void)
{
	const char *end = strstr(answer, "\r\n\r\n");

	return end != NULL ? end + 4 : "no end of the head";
}

static void
test_answers(void)
{
	open_page();
	CHECK(begins(ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), "HTTP/1.1 200 OK\r\n"));
	CHECK_TEXT(body(), PAGE);
	CHECK(strstr(answer, "\r\nContent-Type: text/html\r\n") != NULL);
	CHECK(strstr(answer, "\r\nContent-Length: 29\r\n") != NULL);
	CHECK(strstr(answer, "\r\nConnection: close\r\n") != NULL);
	ask("GET /any/path?x=y HTTP/1.0\r\n\r\n");
	CHECK_TEXT(body(), PAGE);
	ask("\r\nGET / HTTP/1.0\n\n");
	CHECK_TEXT(body(), PAGE);
	CHECK(begins(ask("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n"), "HTTP/1.1 200 OK\r\n"));
	CHECK_TEXT(body(), "");
	CHECK(strstr(answer, "\r\nContent-Length: 29\r\n") != NULL);
	CHECK(begins(ask("POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc"), "HTTP/1.1 405 "));
	CHECK(strstr(answer, "\r\nAllow: GET, HEAD\r\n") != NULL);
	CHECK(begins(ask("SSH-2.0-OpenSSH_9.2\r\n"), "HTTP/1.1 400 "));
	CHECK(begins(ask("GET /\r\n"), "HTTP/1.1 400 "));
	CHECK(begins(ask("GET HTTP/1.1\r\n"), "HTTP/1.1 400 "));
	CHECK(begins(ask("GET / HTTP/1.\r\n"), "HTTP/1.1 400 "));
	CHECK(begins(ask(" HTTP/1.1\r\n"), "HTTP/1.1 400 "));
	CHECK(t.counters.connections_total == 10);
	close_page();
}

static void
test_counters(void)
{
	static const char request[] = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

	open_page();
	ask(request);
	CHECK(t.counters.bytes_in == strlen(request));
	CHECK(t.counters.bytes_out == answer_length);
	CHECK(t.counters.connections_total == 1);
	WAIT_FOR(t.counters.connections == 0);
	close_page();
}

/* Byte by byte, and more than one head's worth of it afterwards. */
static void
test_slow(void)
{
	const char *request = "GET / HTTP/1.1\r\nHost: a\r\n\r\n", *p;
	int fd;

	open_page();
	fd = connect_to(SOCK_STREAM, &t.public);
	WAIT_FOR(t.counters.connections == 1);
	for (p = request; *p != '\0'; p++) {
		CHECK(send(fd, p, 1, MSG_NOSIGNAL) == 1);
		WAIT_FOR(t.counters.bytes_in == (uint64_t)(p - request + 1));
		CHECK(recv(fd, answer, 1, MSG_PEEK) < 0 || p[1] == '\0');
	}
	wait_for_answer(fd);
	CHECK_TEXT(body(), PAGE);
	close(fd);
	close_page();
}

static void
test_client_that_says_no_more(void)
{
	int fd;

	open_page();
	fd = connect_to(SOCK_STREAM, &t.public);
	WAIT_FOR(t.counters.connections == 1);
	send_text(fd, "GET / HTTP/1.0\r\n\r\n");
	CHECK(shutdown(fd, SHUT_WR) == 0);
	wait_for_answer(fd);
	CHECK_TEXT(body(), PAGE);
	close(fd);
	fd = connect_to(SOCK_STREAM, &t.public);
	WAIT_FOR(t.counters.connections_total == 2);
	send_text(fd, "GET / HTT");
	CHECK(shutdown(fd, SHUT_WR) == 0);
	CHECK_TEXT(wait_for_answer(fd), "");
	close(fd);
	close_page();
}

/* A head without end: refused once it is too long, in one line or in many. */
static void
test_oversized(const char *piece)
{
	int fd, i;

	open_page();
	fd = connect_to(SOCK_STREAM, &t.public);
	WAIT_FOR(t.counters.connections == 1);
	send_text(fd, "GET / HTTP/1.1\r\n");
	for (i = 0; i < 2000; i++)
		send_text(fd, piece);
	wait_for_answer(fd);
	CHECK(begins(answer, "HTTP/1.1 431 "));
	close(fd);
	close_page();
}

static void
test_many(void)
{
	int fds[TESTPAGE_CONNECTIONS + 10], i, ended = 0;

	open_page();
	for (i = 0; i < TESTPAGE_CONNECTIONS + 10; i++) {
		fds[i] = connect_to(SOCK_STREAM, &t.public);
		WAIT_FOR(t.counters.connections_total == (uint64_t)i + 1);
	}
	CHECK(t.counters.connections == TESTPAGE_CONNECTIONS);
	CHECK(begins(ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), "HTTP/1.1 200 OK\r\n"));
	for (i = 0; i < TESTPAGE_CONNECTIONS + 10; i++) {
		answer_length = 0;
		if (read_some(fds[i]))
			ended += i < 11;
		close(fds[i]);
	}
	CHECK(ended == 11); /* the oldest */
	WAIT_FOR(t.counters.connections == 0);
	close_page();
}

/* A letter, if the last one was read. */
static bool
drip(int fd)
{
	static uint64_t sent;

	if (t.counters.bytes_in < 1000 && t.counters.bytes_in >= sent)
		sent += send(fd, "x", 1, MSG_NOSIGNAL) == 1;
	return read_some(fd);
}

/* A client that goes on sending is over when its time is, too. */
static void
test_deadline(void)
{
	struct testpage *page;
	double began = net_now();
	int ends[2];

	memset(&t.counters, 0, sizeof(t.counters));
	MUST((page = testpage_new(t.base, 1, &t.counters)) != NULL);
	MUST(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) == 0);
	CHECK(testpage_start(page, ends[1]) == 0);
	answer_length = 0;
	WAIT_FOR(drip(ends[0]));
	CHECK(net_now() - began >= 0.9);
	CHECK_TEXT(answer, "");
	CHECK(t.counters.connections == 0 && t.counters.bytes_in > 0);
	close(ends[0]);
	testpage_free(page);
}

/* After its answer a client that does not close is not waited for without end. */
static void
test_deadline_after_answer(void)
{
	struct testpage *page;
	int ends[2];

	memset(&t.counters, 0, sizeof(t.counters));
	MUST((page = testpage_new(t.base, 1, &t.counters)) != NULL);
	MUST(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) == 0);
	CHECK(testpage_start(page, ends[1]) == 0);
	send_text(ends[0], "GET / HTTP/1.1\r\n\r\n");
	wait_for_answer(ends[0]);
	CHECK_TEXT(body(), PAGE);
	CHECK(t.counters.connections == 1);
	WAIT_FOR(t.counters.connections == 0);
	close(ends[0]);
	testpage_free(page);
}

int
main(void)
{
	loop_start();
	test_answers();
	test_counters();
	test_slow();
	test_client_that_says_no_more();
	test_oversized("Filler: 12345\r\n");
	test_oversized("fifteen letters");
	test_many();
	test_deadline();
	test_deadline_after_answer();
	loop_end();
	return check_done();
}
