/* SPDX-License-Identifier: ISC */
/*
 * Files for what reads one: in a folder of its own, that is removed when the program
 * ends.
 */
#ifndef FILE_H
#define FILE_H

#include <limits.h>
#include <unistd.h>

#include "fuzz.h"

static char file_directory[] = "/tmp/natter-fuzz.XXXXXX";
static char file_json[sizeof(file_directory) + 16], file_cfg[sizeof(file_directory) + 16];

static inline void
file_remove_all(void)
{
	unlink(file_json);
	unlink(file_cfg);
	rmdir(file_directory);
}

/* Makes the folder, the first time. */
static inline void
file_open(void)
{
	if (file_cfg[0] != '\0')
		return;
	MUST(mkdtemp(file_directory) != NULL);
	snprintf(file_json, sizeof(file_json), "%s/natter.json", file_directory);
	snprintf(file_cfg, sizeof(file_cfg), "%s/natter.cfg", file_directory);
	atexit(file_remove_all);
}

static inline void
file_write(const char *path, const void *data, size_t size)
{
	FILE *stream = fopen(path, "we");

	MUST(stream != NULL);
	MUST(fwrite(data, 1, size, stream) == size);
	MUST(fclose(stream) == 0);
}

#endif
