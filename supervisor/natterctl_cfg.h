/* SPDX-License-Identifier: ISC */
/*
 * Parts of a natter.cfg as text.  Whatever the texts hold, they stay in their
 * quotes or in their comment, and no control character gets out.  depth is the
 * number of groups around what is written.
 */
#ifndef NATTERCTL_CFG_H
#define NATTERCTL_CFG_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* So a comment begins that tells why something of the old file is missing. */
#define NATTERCTL_CFG_NOT_TAKEN "Not taken over: "

/* An element of a list. */
struct natterctl_cfg_item {
	const char *text;
	bool left_out;     /* stands in a comment only */
	const char *lead;  /* what the comment begins with, before the text; NULL: nothing */
	char comment[256]; /* what it says behind the text; "": there is no comment */
};

void natterctl_cfg_indent(FILE *out, int depth);

/* The text in quotes.  What is not printable UTF-8 is escaped and is read back
 * byte for byte. */
void natterctl_cfg_text(FILE *out, const char *text);

/* Sentences, broken into lines that begin with #. */
void natterctl_cfg_comment(FILE *out, int depth, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* A member as JSON in a comment of one line. */
void natterctl_cfg_comment_member(FILE *out, int depth, const char *key, struct json_object *value);

/* "key = "text";" */
void natterctl_cfg_setting(FILE *out, int depth, const char *key, const char *text);

/* "key = [ ... ];" on one line if it fits, else with a line for each element. */
void natterctl_cfg_list(FILE *out, int depth, const char *key, const struct natterctl_cfg_item *items, size_t count);

#endif
