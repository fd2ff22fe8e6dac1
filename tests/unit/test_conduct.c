/* SPDX-License-Identifier: ISC */
/*
 * conduct.c and hearing.c: which worker is ended whatever it says, and how often news is heard.
 * NEEDS: supervisor/conduct supervisor/hearing supervisor/quota supervisor/bucket
 */
#include "conduct.h"

#include <sys/socket.h>

#include "hearing.h"
#include "supervisor.h"

static struct conduct c;

static const char *
take(uint32_t kind, uint32_t use)
{
	struct message m = {.kind = kind, .length = sizeof(m.socket_request)};

	m.socket_request.use = use;
	return conduct_take_record(&c, &m);
}

static unsigned int
records_until_refused(uint32_t kind, uint32_t use)
{
	unsigned int n = 0;

	conduct_begin(&c);
	while (n < 1000000 && take(kind, use) == NULL)
		n++;
	return n;
}

static void
test_floods(void)
{
	CHECK(records_until_refused(MESSAGE_SOCKET, SOCKET_FRESH) == 1000);
	CHECK(records_until_refused(MESSAGE_SOCKET, SOCKET_TARGET) == 200000);
	CHECK(records_until_refused(MESSAGE_REPORT, 0) == 1000);
	CHECK(records_until_refused(MESSAGE_LOG, 0) == 20000);
	CHECK_TEXT(take(MESSAGE_LOG, 0), "writes log lines without end");
	CHECK(take(MESSAGE_SERVER, 0) == NULL);
	c.logged.began -= 10;
	CHECK(take(MESSAGE_LOG, 0) == NULL);
	/* Of the lines that are taken a few are written, and for debugging some more. */
	log_set_level(LOG_LEVEL_INFO);
	for (unsigned int n = 0; n < 100; n++)
		CHECK(conduct_may_log(&c, LOG_LEVEL_INFO, "web") == (n < 20));
	c.lines.began -= 2;
	CHECK(!conduct_may_log(&c, LOG_LEVEL_INFO, "web") && !conduct_may_log(&c, LOG_LEVEL_DEBUG, "web"));
	log_set_level(LOG_LEVEL_DEBUG);
	CHECK(conduct_may_log(&c, LOG_LEVEL_DEBUG, "web"));
}

static void
test_silence(void)
{
	int pair[2];
	bool ask;

	CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) == 0);
	conduct_begin(&c);
	CHECK(conduct_look(&c, pair[0], &ask) == NULL && !ask);
	/* One that only logs has said nothing. */
	CHECK(take(MESSAGE_LOG, 0) == NULL);
	c.began -= 21;
	CHECK_TEXT(conduct_look(&c, pair[0], &ask), "has not said anything since it was started");
	CHECK(take(MESSAGE_REPORT, 0) == NULL);
	CHECK(conduct_look(&c, pair[0], &ask) == NULL && !ask);
	close(pair[0]);
	close(pair[1]);
}

/* Behind at one look it may be, and at each if it was told more meanwhile, and an idle one is sent something now and then. */
static void
test_who_does_not_read(void)
{
	int pair[2];
	char byte = 'x';
	bool ask;

	CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) == 0);
	conduct_begin(&c);
	(void)take(MESSAGE_REPORT, 0);
	c.asked -= 300;
	CHECK(conduct_look(&c, pair[0], &ask) == NULL && ask);
	CHECK(conduct_look(&c, pair[0], &ask) == NULL && !ask);
	CHECK(send(pair[0], &byte, 1, 0) == 1);
	CHECK(conduct_look(&c, pair[0], &ask) == NULL);
	CHECK(recv(pair[1], &byte, 1, 0) == 1);
	CHECK(conduct_look(&c, pair[0], &ask) == NULL);
	/* What lies there now may be another one. */
	CHECK(send(pair[0], &byte, 1, 0) == 1);
	CHECK(conduct_look(&c, pair[0], &ask) == NULL);
	conduct_note_told(&c);
	CHECK(conduct_look(&c, pair[0], &ask) == NULL);
	CHECK_TEXT(conduct_look(&c, pair[0], &ask), "does not read");
	close(pair[0]);
	close(pair[1]);
}

static int heard;
static uint32_t last;

static void
on_heard(void *context, const struct report *r)
{
	CHECK(context == &c);
	heard++;
	last = r->keep_alive_interval;
}

static void
test_hearing(void)
{
	struct report r = {.state = STATE_WAITING};
	struct hearing h;
	double first, began;
	int count;

	hearing_init(&h, base, on_heard, &c);
	first = seconds();
	for (r.keep_alive_interval = 1; r.keep_alive_interval <= 100; r.keep_alive_interval++)
		hearing_take(&h, &r, true);
	CHECK(heard == 20 && last == 20);
	began = seconds();
	r.keep_alive_interval = 101;
	hearing_take(&h, &r, false); /* not out of turn */
	RUN_UNTIL(heard == 21);
	CHECK(last == 101 && seconds() - began > 0.5);
	/* What only counts takes nobody's turn. */
	for (r.keep_alive_interval = 200; r.keep_alive_interval < 300; r.keep_alive_interval++)
		hearing_take(&h, &r, false);
	CHECK(heard == 121);
	/* The turn that comes two seconds after the first may be there already; the one behind it is not. */
	hearing_take(&h, &r, true);
	if (heard > 121)
		hearing_take(&h, &r, true);
	CHECK(h.latest != NULL && (heard == 121 || seconds() - first >= 2));
	count = heard;
	hearing_forget(&h);
	began = seconds();
	RUN_UNTIL(seconds() - began > 1.2);
	CHECK(heard == count);
	hearing_free(&h);
}

int
main(void)
{
	loop_open();
	test_floods();
	test_silence();
	test_who_does_not_read();
	test_hearing();
	return check_done();
}
