/* SPDX-License-Identifier: ISC */
/*
 * Log lines that come again: which are counted, and when that is told.
 * NEEDS: supervisor/repeats
 */
#include "repeats.h"

#include "check.h"
#include "message.h"

static char seen[16384];

static void
sink(enum log_level level, const char *text)
{
	size_t used = strlen(seen);

	snprintf(seen + used, sizeof(seen) - used, "%c %s\n", log_level_name(level)[0], text);
}

static void
say(enum log_level level, const char *text, int times)
{
	while (times-- > 0)
		repeats_take(level, text);
}

/* What was logged since the last time. */
#define CHECK_SEEN(wanted)                                                                                            \
	do {                                                                                                          \
		CHECK_TEXT(seen, wanted);                                                                             \
		seen[0] = '\0';                                                                                       \
	} while (0)

static struct event_base *
open_with(long milliseconds)
{
	struct event_base *base = event_base_new();
	struct timeval longest = {.tv_sec = milliseconds / 1000, .tv_usec = milliseconds % 1000 * 1000};

	repeats_open(base, &longest);
	return base;
}

static void
close_with(struct event_base *base)
{
	repeats_close();
	event_base_free(base);
}

static void
test_counted(void)
{
	struct event_base *base = open_with(60000);

	say(LOG_LEVEL_WARNING, "web: failed", 4);
	CHECK_SEEN("w web: failed\n");
	say(LOG_LEVEL_WARNING, "web: open", 2);
	CHECK_SEEN("w web: last message repeated 3 times\nw web: open\n");
	say(LOG_LEVEL_ERROR, "web: open", 1); /* more important is not the same */
	CHECK_SEEN("w web: last message repeated 1 time\ne web: open\n");
	say(LOG_LEVEL_INFO, "no subject", 2);
	close_with(base);
	CHECK_SEEN("i no subject\ni last message repeated 1 time\n");
}

static void
test_turns(void)
{
	struct event_base *base = open_with(60000);
	int i;

	for (i = 0; i < 5; i++) {
		say(LOG_LEVEL_INFO, "a: failed: it", 1);
		say(LOG_LEVEL_INFO, "a:b: failed: it", 1); /* a name may have colons */
	}
	CHECK_SEEN("i a: failed: it\ni a:b: failed: it\n");
	say(LOG_LEVEL_INFO, "a: open", 1);
	CHECK_SEEN("i a: last message repeated 4 times\ni a: open\n");
	close_with(base);
	CHECK_SEEN("i a:b: last message repeated 4 times\n");
}

static void
test_debug(void)
{
	struct event_base *base = open_with(60000);

	say(LOG_LEVEL_DEBUG, "web: step", 2);
	CHECK_SEEN("d web: step\nd web: step\n");
	say(LOG_LEVEL_INFO, "web: open", 2);
	say(LOG_LEVEL_DEBUG, "web: step", 1);
	say(LOG_LEVEL_INFO, "web: open", 1);
	CHECK_SEEN("i web: open\ni web: last message repeated 1 time\nd web: step\ni web: open\n");
	close_with(base);
	CHECK_SEEN("");
}

/* Without anything to tell the loop has nothing to wait for, and ends. */
static void
test_time(void)
{
	struct event_base *base = open_with(20);

	say(LOG_LEVEL_INFO, "web: open", 1);
	event_base_dispatch(base);
	CHECK_SEEN("i web: open\n");
	say(LOG_LEVEL_INFO, "web: open", 2);
	say(LOG_LEVEL_INFO, "b: open", 2);
	event_base_dispatch(base);
	CHECK_SEEN("i b: open\ni web: last message repeated 2 times\ni b: last message repeated 1 time\n");
	say(LOG_LEVEL_INFO, "web: open", 1);
	CHECK_SEEN("");
	event_base_dispatch(base);
	CHECK_SEEN("i web: last message repeated 1 time\n");
	say(LOG_LEVEL_INFO, "web: open", 1);
	say(LOG_LEVEL_INFO, "web: lost", 1);
	event_base_dispatch(base);
	CHECK_SEEN("i web: last message repeated 1 time\ni web: lost\n");
	close_with(base);
	CHECK_SEEN("");
}

/* The one that was silent for longest is forgotten, and before that told of. */
static void
test_many(void)
{
	struct event_base *base = open_with(60000);
	char text[LOG_TEXT_SIZE], wanted[LOG_TEXT_SIZE + 2];
	int i;

	say(LOG_LEVEL_INFO, "a: open", 1);
	say(LOG_LEVEL_INFO, "b: open", 2);
	say(LOG_LEVEL_INFO, "a: open", 1);
	say(LOG_LEVEL_DEBUG, "c: step", 1);
	CHECK_SEEN("i a: open\ni b: open\nd c: step\n");
	for (i = 0; i < 63; i++) {
		snprintf(text, sizeof(text), "%d: open", i);
		say(LOG_LEVEL_INFO, text, 1);
	}
	CHECK(strstr(seen, "i 61: open\ni b: last message repeated 1 time\ni 62: open\n") != NULL);
	CHECK(strstr(seen, " a: ") == NULL);
	seen[0] = '\0';
	memset(text, 'x', sizeof(text));
	memcpy(text + 300, ": ", 2);
	text[sizeof(text) - 1] = '\0';
	snprintf(wanted, sizeof(wanted), "i %s", text);
	say(LOG_LEVEL_INFO, text, 2);
	close_with(base);
	CHECK(strstr(seen, wanted) != NULL && strstr(seen, ": last message repeated 1 time") != NULL);
	seen[0] = '\0';
}

int
main(void)
{
	repeats_set_sink(sink);
	say(LOG_LEVEL_INFO, "web: open", 2); /* not open yet */
	CHECK_SEEN("i web: open\ni web: open\n");
	test_counted();
	test_turns();
	test_debug();
	test_time();
	test_many();
	say(LOG_LEVEL_INFO, "web: open", 2);
	CHECK_SEEN("i web: open\ni web: open\n");
	return check_done();
}
