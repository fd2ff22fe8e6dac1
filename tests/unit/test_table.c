/* SPDX-License-Identifier: ISC */
/*
 * table.c: natterctl's table at several widths, and text from anywhere.
 * NEEDS: supervisor/table supervisor/terminal
 */
#include "table.h"

#include <stdlib.h>
#include <unistd.h>

#include "check.h"

static char *printed;

static const char *
print(int width)
{
	static const char *const headings[] = {"NAME", "PROTO", "STATE", "INNER", "OUTER", "LAST", NULL};
	static const char *const rows[][6] = {
	    {"web", "tcp", "open", "1.2.3.4:5", "5.6.7.8:9", "x"},
	    {"a-long-mapping-name", "udp", "backoff", "1.2.3.4:6", "-", "\033[2Jy"},
	};
	struct table *t = table_new(headings);
	size_t size;
	FILE *out;

	free(printed);
	table_add(t, rows[0], "");
	table_add(t, rows[1], "it\nfailed \xc2\x9b");
	out = open_memstream(&printed, &size);
	table_print(t, out, width);
	fclose(out);
	table_free(t);
	return printed;
}

static void
test_as_wide_as_needed(void)
{
	CHECK_TEXT(print(0),
	    "NAME                 PROTO  STATE    INNER      OUTER      LAST\n"
	    "web                  tcp    open     1.2.3.4:5  5.6.7.8:9  x\n"
	    "a-long-mapping-name  udp    backoff  1.2.3.4:6  -          ?[2Jy\n"
	    "    it?failed ??\n");
}

static void
test_narrow(void)
{
	CHECK_TEXT(print(60),
	    "NAME             PROTO  STATE    INNER      OUTER      LAST\n"
	    "web              tcp    open     1.2.3.4:5  5.6.7.8:9  x\n"
	    "a-long-mapping~  udp    backoff  1.2.3.4:6  -          ?[2Jy\n"
	    "    it?failed ??\n");
	CHECK_TEXT(print(46),
	    "NAME      PROTO  STATE    INNER      OUTER\n"
	    "web       tcp    open     1.2.3.4:5  5.6.7.8:9\n"
	    "a-long-~  udp    backoff  1.2.3.4:6  -\n"
	    "    it?failed ??\n");
	CHECK_TEXT(print(1),
	    "NAME      PROTO  STATE    INNER\n"
	    "web       tcp    open     1.2.3.4:5\n"
	    "a-long-~  udp    backoff  1.2.3.4:6\n"
	    "    it?failed ??\n");
}

static void
test_long_note(void)
{
	static const char *const headings[] = {"NAME", NULL};
	static const char *const row[] = {"web"};
	struct table *t = table_new(headings);
	size_t size;
	FILE *out;

	table_add(t, row, "No public STUN server is available. Tried 1: a-name-that-fits-into-no-line-at-all.example.org x");
	free(printed);
	out = open_memstream(&printed, &size);
	table_print(t, out, 44);
	fclose(out);
	table_free(t);
	CHECK_TEXT(printed,
	    "NAME\n"
	    "web\n"
	    "    No public STUN server is available.\n"
	    "    Tried 1:\n"
	    "    a-name-that-fits-into-no-line-at-all.example.org\n"
	    "    x\n");
}

static void
test_width(void)
{
	setenv("COLUMNS", "61", 1);
	CHECK(table_terminal_width() == 61 || isatty(1));
	setenv("COLUMNS", "wide", 1);
	CHECK(table_terminal_width() == 0 || isatty(1));
}

int
main(void)
{
	test_as_wide_as_needed();
	test_narrow();
	test_long_note();
	test_width();
	free(printed);
	return check_done();
}
