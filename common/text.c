/* SPDX-License-Identifier: ISC */
/*
 * Foreign text; see text.h.
 */
#include "text.h"

#include <string.h>

/* Bytes above 127 pass: they are UTF-8 in names and messages. */
static bool
is_control(unsigned char c)
{
	return c < 0x20 || c == 0x7f;
}

bool
text_is_printable(const char *buf, size_t size)
{
	size_t i;

	for (i = 0; i < size; i++) {
		if (buf[i] == '\0')
			return true;
		if (is_control((unsigned char)buf[i]))
			return false;
	}
	return false;
}

void
text_copy_printable(char *to, size_t size, const void *from, size_t length)
{
	const unsigned char *bytes = from;
	size_t i;

	for (i = 0; i < length && i < size - 1; i++)
		to[i] = is_control(bytes[i]) ? '?' : (char)bytes[i];
	to[i] = '\0';
}
