/* SPDX-License-Identifier: ISC */
/*
 * A configuration's tokens as they stand in its lines, since libconfig knows lines
 * only.  Comments and texts that go over several lines are followed from the file's first
 * line on.
 */
#ifndef CONFIG_SCAN_H
#define CONFIG_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define CONFIG_SCAN_NUMBER_SIZE 64

/* What is found: part of the line. */
struct config_span {
	size_t start;
	size_t length; /* in bytes; 0: nothing */
};

/* Opens the file unless it is a pipe, which can be read only once: libconfig has done that. */
FILE *config_scan_open(const char *path);

/* The last of the first limit lines that has the text in quotes, else limit. */
int config_scan_last_text(const char *path, const char *text, int limit);

/* Reads on to the line of this number, from 1, and finds in it the nth token, from 0,
 * that is spelt so.  NULL: none, since the line is no right one.  The letters of a hook's text
 * become asterisks, and in a line that is no right one whatever is behind the word hook.
 * Returns the line without its end, for the caller to free, or NULL if there is none. */
char *config_scan_line(FILE *stream, int number, const char *token, unsigned int nth, struct config_span *found);

/* The first number behind line *line, from 1, that has more than 32 bits, or more than 64 with an L behind it, which
 * libconfig reads as another one.  Returns whether there is one; *line is then where it stands, number how it is spelt. */
bool config_scan_wide_number(const char *path, int *line, char number[CONFIG_SCAN_NUMBER_SIZE]);

/* The first line, from 1, with a byte of 0 in it; 0: there is none. */
int config_scan_zero(const char *path);

#endif
