/* SPDX-License-Identifier: ISC */
/*
 * Settings in natter.cfg's own syntax, such that reading them gives the values that
 * were written.  Knows no key.
 */
#ifndef CONFIG_SYNTAX_H
#define CONFIG_SYNTAX_H

#include <stdint.h>
#include <stdio.h>

#include "config.h"

struct config_out {
	FILE *stream;
	int depth; /* of groups around what is written next */
};

/* Each writes one setting, a line or more.  NULL is written as "". */
void config_syntax_text(struct config_out *out, const char *key, const char *value);
void config_syntax_number(struct config_out *out, const char *key, uint32_t value);
/* Two numbers, or one if they are the same. */
void config_syntax_range(struct config_out *out, const char *key, uint32_t least, uint32_t most);
void config_syntax_hosts(struct config_out *out, const char *key, const struct config_hosts *hosts);
void config_syntax_networks(struct config_out *out, const char *key, const struct networks *networks);

/* A line that is only read by people: "# KEY: ABOUT". */
void config_syntax_comment(struct config_out *out, const char *key, const char *about);

/* What is written in between is in it.  key NULL: an element of a list. */
void config_syntax_open(struct config_out *out, const char *key, const char *bracket);
void config_syntax_close(struct config_out *out, const char *bracket);

#endif
