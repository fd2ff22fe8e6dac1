/* SPDX-License-Identifier: ISC */
/*
 * Foreign text: what is printable, and what is made so.
 */
#include "text.h"

#include "check.h"

static void
test_is_printable(void)
{
	CHECK(text_is_printable("", 1));
	CHECK(text_is_printable("web: 203.0.113.7:40123", 23));
	CHECK(text_is_printable("gr\xc3\xbc\xc3\x9f", 8)); /* UTF-8 */
	CHECK(text_is_printable("\xe7\xbd\x91\xf0\x9f\x99\x82", 8));
	CHECK(!text_is_printable("\xff", 8) && !text_is_printable("\xc3", 8) && !text_is_printable("\xc3(", 8));
	CHECK(!text_is_printable("\xc2\x9b", 8)); /* C1: a terminal's CSI */
	CHECK(!text_is_printable("\xc0\xaf", 8) && !text_is_printable("\xed\xa0\x80", 8));
	CHECK(!text_is_printable("web", 3));               /* not terminated */
	CHECK(!text_is_printable("web", 0));
	CHECK(!text_is_printable("two\nlines", 10));
	CHECK(!text_is_printable("tab\t", 5));
	CHECK(!text_is_printable("\x1b[31m", 6));
	CHECK(!text_is_printable("del\x7f", 5));
	CHECK(text_is_printable("a\0\n", 4)); /* what follows the NUL is not text */
}

static void
test_columns(void)
{
	CHECK(text_columns("") == 0 && text_columns("web: ") == 5);
	CHECK(text_columns("gr\xc3\xbc\xc3\x9f") == 4);
	CHECK(text_columns("\xe7\xbd\x91 \xf0\x9f\x99\x82") == 5);
	CHECK(text_columns("\xef\xbc\x9a\xe2\x82\xac") == 3); /* a full-width colon, a euro sign */
	CHECK(text_columns("\xff\xe7") == 2);
}

static void
test_copy(void)
{
	char to[8];

	text_copy_printable(to, sizeof(to), "ab\n\x1b\x7f" "c", 6);
	CHECK_TEXT(to, "ab???c");
	text_copy_printable(to, sizeof(to), "0123456789", 10);
	CHECK_TEXT(to, "0123456");
	text_copy_printable(to, sizeof(to), "0123456789", 3);
	CHECK_TEXT(to, "012");
	text_copy_printable(to, sizeof(to), "a\0b", 3);
	CHECK_TEXT(to, "a?b");
	text_copy_printable(to, sizeof(to), "x", 0);
	CHECK_TEXT(to, "");
	text_copy_printable(to, 1, "x", 1);
	CHECK_TEXT(to, "");
}

int
main(void)
{
	test_is_printable();
	test_columns();
	test_copy();
	return check_done();
}
