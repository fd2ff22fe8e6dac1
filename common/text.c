/* SPDX-License-Identifier: ISC */
/*
 * Foreign text; see text.h.
 */
#include "text.h"

#include <stdint.h>
#include <string.h>

/* The bytes of the printable UTF-8 character at p (RFC 3629), of which length are
 * there; 0 for a control character, also one of C1, and for what is no UTF-8: no
 * JSON may hold it. */
static size_t
character_length(const unsigned char *p, size_t length)
{
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
	const unsigned char *bytes = (const unsigned char *)buf;
	size_t i = 0, n;

	while (i < size && bytes[i] != '\0') {
		n = character_length(bytes + i, size - i);
		if (n == 0)
			return false;
		i += n;
	}
	return i < size;
}

void
text_copy_printable(char *to, size_t size, const void *from, size_t length)
{
	const unsigned char *bytes = from;
	size_t i = 0, used = 0, n;

	while (i < length) {
		n = character_length(bytes + i, length - i);
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
