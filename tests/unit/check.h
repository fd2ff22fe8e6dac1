/* SPDX-License-Identifier: ISC */
/*
 * What a unit test needs: CHECK and CHECK_TEXT say where and what failed and go
 * on; a test program ends with `return check_done();`.
 */
#ifndef CHECK_H
#define CHECK_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int check_count, check_failures;

#define CHECK(condition)                                                                                              \
	do {                                                                                                          \
		check_count++;                                                                                        \
		if (!(condition)) {                                                                                   \
			check_failures++;                                                                             \
			printf("%s:%d: failed: %s\n", __FILE__, __LINE__, #condition);                                \
		}                                                                                                     \
	} while (0)

#define CHECK_TEXT(got, wanted)                                                                                       \
	do {                                                                                                          \
		const char *got_ = (got), *wanted_ = (wanted);                                                        \
		check_count++;                                                                                        \
		if (got_ == NULL || wanted_ == NULL || strcmp(got_, wanted_) != 0) {                                  \
			check_failures++;                                                                             \
			printf("%s:%d: %s is \"%s\", not \"%s\"\n", __FILE__, __LINE__, #got,                        \
			    got_ != NULL ? got_ : "(null)", wanted_ != NULL ? wanted_ : "(null)");                    \
		}                                                                                                     \
	} while (0)

/* For tests of what valgrind itself changes, such as the memory that a process has. */
static inline bool
check_in_valgrind(void)
{
	const char *loaded = getenv("LD_PRELOAD");

	return loaded != NULL && strstr(loaded, "vgpreload") != NULL;
}

static inline int
check_done(void)
{
	printf("%d checks, %d failed\n", check_count, check_failures);
	return check_failures == 0 ? 0 : 1;
}

#endif
