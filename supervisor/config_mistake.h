/* SPDX-License-Identifier: ISC */
/*
 * What becomes of a mistake in natter.cfg: a line "FILE:LINE: KEY: what is wrong and
 * what to do" for the log or for whoever asked, and for people the line of the
 * file with a mark under the place:
 *
 *     natter.cfg:12: mappings.targt: unknown key; did you mean target?
 *         targt = "127.0.0.1:80";
 *         ^~~~~
 *
 * No control character of the file gets through, and of a hook, which may hold a
 * password, the text is shown as asterisks.
 */
#ifndef CONFIG_MISTAKE_H
#define CONFIG_MISTAKE_H

#include <stdio.h>

/* Where it stands: the nth token of this spelling, from 0, of a line of the file.  A
 * token is a word, a text with its quotes as the file has them, or a bracket. */
struct config_place {
	const char *path;
	int line;          /* from 1 */
	const char *token; /* NULL, or not found: the line's first character is marked */
	unsigned int nth;
};

/* text is printable and shorter than LOG_TEXT_SIZE. */
typedef void config_mistake_taker(void *context, const char *text);

/* Who takes the mistakes' first lines from now on; NULL: the log, as at the start. */
void config_mistake_send(config_mistake_taker *take, void *context);

/* Where people see the marks from now on; NULL: nowhere, as at the start. */
void config_mistake_mark(FILE *out);

/* place NULL: it stands nowhere, or nobody can look there. */
void config_mistake_say(const struct config_place *place, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
