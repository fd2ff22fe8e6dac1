/* SPDX-License-Identifier: ISC */
/*
 * natter.cfg as text: finds it, has libconfig parse it, and knows where each
 * setting stands, so that a mistake is said as "FILE:LINE: KEY: what is wrong
 * and what to do" and marked.  Knows no key.
 */
#ifndef CONFIG_FILE_H
#define CONFIG_FILE_H

#include <libconfig.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

struct config_file {
	config_t parsed;
	const char *name;         /* as it was given, for messages */
	char path[PATH_MAX];      /* absolute */
	char directory[PATH_MAX]; /* of path: relative paths start there */
	unsigned int mistakes;    /* logged so far; any means that the file is refused */
	bool servers_only;        /* the rest is forgotten: see config_single */
};

/* Reads and parses the file and those that it includes.  Returns 0, or -1
 * after logging why not.  name must live until close, which is due either way. */
int config_file_open(struct config_file *file, const char *name);
void config_file_close(struct config_file *file);

/* Counts a mistake and says it (config_mistake.h); setting NULL: one of the file as a whole. */
void config_file_mistake(struct config_file *file, const config_setting_t *setting, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The line on which the setting stands. */
int config_file_line(const struct config_file *file, const config_setting_t *setting);

/* The absolute path of a path in the file.  Returns 0, or -1 if it is too long. */
int config_file_resolve(const struct config_file *file, const char *path, char out[PATH_MAX]);

#endif
