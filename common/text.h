/* SPDX-License-Identifier: ISC */
/*
 * Text that came from somewhere else, made fit for a log line or a terminal.
 */
#ifndef TEXT_H
#define TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* The bytes of the printable UTF-8 character at text (RFC 3629), of which length,
 * at least 1, are there; 0 for a control character, also one of C1, and for what
 * is no UTF-8: no JSON may hold it. */
size_t text_printable_length(const char *text, size_t length);

/* Is buf terminated within size, UTF-8, and free of control characters? */
bool text_is_printable(const char *buf, size_t size);

/* How wide a terminal shows printable UTF-8: East Asian wide characters (Unicode, UAX #11)
 * take two columns. */
size_t text_columns(const char *text);

/* Copies at most size - 1 bytes of the length bytes at from and terminates
 * them; a byte of a control character, or of no UTF-8, becomes '?'. */
void text_copy_printable(char *to, size_t size, const void *from, size_t length);

#endif
