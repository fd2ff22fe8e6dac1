/* SPDX-License-Identifier: ISC */
/*
 * What the fuzzers share.  Each is one function that takes one input: libFuzzer calls
 * it with inputs that it makes up (run.sh), replay.c with files.  A rule that is
 * broken ends the program as a crash does.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "text.h"

/* The name is libFuzzer's.  Returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* In every build, unlike assert. */
#define MUST(rule)                                                                                                    \
	do {                                                                                                          \
		if (!(rule)) {                                                                                        \
			fprintf(stderr, "%s:%d: broken: %s\n", __FILE__, __LINE__, #rule);                            \
			abort();                                                                                      \
		}                                                                                                     \
	} while (0)

/* Nobody reads the log, but each line of it is fit for a terminal. */
static inline void
fuzz_log(enum log_level level, const char *text)
{
	MUST(level < LOG_LEVEL_COUNT && text_is_printable(text, strlen(text) + 1));
}

#endif
