/* SPDX-License-Identifier: ISC */
/*
 * Foreign text; see text.h.
 */
#include "text.h"

#include <stdint.h>
#include <string.h>

size_t
text_printable_length(const char *text, size_t length)
{
	const unsigned char *p = (const unsigned char *)text;
	static const uint32_t least[] = {0, 0x20, 0xa0, 0x800, 0x10000};
	size_t size = p[0] < 0x80 ? 1 : p[0] < 0xc0 ? 0 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : p[0] < 0xf8 ? 4 : 0;
	uint32_t code = size < 2 ? p[0] : p[0] & (0x7fU >> size);
	size_t i;

	if (size == 0 || size > length)
		return 0;
	for (i = 1; i < size; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (p[i] & 0x3f);
	}
	if (code < least[size] || code == 0x7f || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
		return 0;
	return size;
}

bool
text_is_printable(const char *buf, size_t size)
{
	size_t i = 0, n;

	while (i < size && buf[i] != '\0') {
		n = text_printable_length(buf + i, size - i);
		if (n == 0)
			return false;
		i += n;
	}
	return i < size;
}

void
text_copy_printable(char *to, size_t size, const void *from, size_t length)
{
	const char *bytes = from;
	size_t i = 0, used = 0, n;

	while (i < length) {
		n = text_printable_length(bytes + i, length - i);
		if (used + (n == 0 ? 1 : n) > size - 1)
			break;
		if (n == 0)
			to[used] = '?';
		else
			memcpy(to + used, bytes + i, n);
		used += n == 0 ? 1 : n;
		i += n == 0 ? 1 : n;
	}
	to[used] = '\0';
}

/* The blocks that are wide as a whole, from 0x1100 on. */
static bool
is_wide(uint32_t code)
{
	return (code >= 0x1100 && code <= 0x115f) || (code >= 0x2e80 && code <= 0xa4cf) || (code >= 0xac00 && code <= 0xd7a3) ||
	       (code >= 0xf900 && code <= 0xfaff) || (code >= 0xfe30 && code <= 0xfe6f) ||
	       (code >= 0xff00 && code <= 0xff60) || (code >= 0xffe0 && code <= 0xffe6) ||
	       (code >= 0x1f300 && code <= 0x1f64f) || (code >= 0x20000 && code <= 0x3fffd);
}

size_t
text_columns(const char *text)
{
	size_t columns = 0, n, i;
	uint32_t code;

	for (; *text != '\0'; text += n) {
		n = text_printable_length(text, strlen(text));
		n = n == 0 ? 1 : n;
		code = (unsigned char)*text & (0xffU >> n);
		for (i = 1; i < n; i++)
			code = code << 6 | ((unsigned char)text[i] & 0x3f);
		columns += is_wide(code) ? 2 : 1;
	}
	return columns;
}
