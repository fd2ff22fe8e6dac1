/* SPDX-License-Identifier: ISC */
/*
 * What stands out on a terminal, and how: only there, and only for who wants it.
 */
#ifndef TERMINAL_H
#define TERMINAL_H

#include <stdio.h>

#define TERMINAL_PLAIN ""
#define TERMINAL_GOOD "\033[1;32m"
#define TERMINAL_DOUBT "\033[33m"
#define TERMINAL_BAD "\033[31m"

/* Begins and ends one of them if out is a terminal that can show it, NO_COLOR is not
 * set and TERM is not "dumb". */
void terminal_begin(FILE *out, const char *colour);
void terminal_end(FILE *out, const char *colour);

#endif
