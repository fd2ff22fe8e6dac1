/* SPDX-License-Identifier: ISC */
/*
 * As much of libconfig's grammar as tells words, texts and comments apart; see
 * config_scan.h.
 */
#include "config_scan.h"

#include <ctype.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum place {
	PLACE_OUTSIDE,
	PLACE_TEXT,
	PLACE_COMMENT, /* one that needs its end */
};

struct scan {
	enum place place;
	bool in_hook; /* the setting is a hook: its text is a secret */
	bool wide;    /* what is wanted: a wide number, else the token */
	const char *token;
	unsigned int left; /* so many of them come before the wanted one */
	struct config_span found;
};

static bool
is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '-' || c == '*';
}

/* Behind the closing quote, or the end of the line. */
static char *
skip_text(struct scan *s, char *p)
{
	size_t n;

	for (; *p != '\0' && *p != '"'; p += n) {
		n = p[0] == '\\' && p[1] != '\0' ? 2 : 1;
		if (s->in_hook)
			memset(p, '*', n);
	}
	s->place = *p == '"' ? PLACE_OUTSIDE : PLACE_TEXT;
	return *p == '"' ? p + 1 : p;
}

static char *
skip_comment(struct scan *s, char *p)
{
	char *end = strstr(p, "*/");

	s->place = end != NULL ? PLACE_OUTSIDE : PLACE_COMMENT;
	return end != NULL ? end + 2 : p + strlen(p);
}

/* A float is none, nor are its digits behind the point. */
static bool
is_wide_number(const char *line, const char *start, size_t length)
{
	char text[32], *end;
	bool is_long;
	long long value;

	if (!isdigit((unsigned char)start[start[0] == '-']) || start[length] == '.' || (start > line && start[-1] == '.'))
		return false;
	if (length >= sizeof(text))
		return true;
	memcpy(text, start, length);
	text[length] = '\0';
	errno = 0;
	value = strtoll(text, &end, tolower((unsigned char)text[strspn(text, "-0")]) == 'x' ? 16 : 10);
	is_long = *end == 'L';
	end += strspn(end, "L");
	return *end == '\0' && (errno != 0 || (!is_long && (value > INT32_MAX || value < INT32_MIN)));
}

static bool
is_wanted(const struct scan *s, const char *line, const char *start, size_t length)
{
	if (s->wide)
		return is_wide_number(line, start, length);
	return s->token != NULL && strlen(s->token) == length && strncmp(start, s->token, length) == 0;
}

static void
compare(struct scan *s, const char *line, const char *start, const char *end)
{
	size_t length = (size_t)(end - start);

	if (!is_wanted(s, line, start, length))
		return;
	if (s->left == 0 && s->found.length == 0)
		s->found = (struct config_span){.start = (size_t)(start - line), .length = length};
	else if (s->left > 0)
		s->left--;
}

/* Behind the token at p, which is no comment. */
static char *
skip_token(struct scan *s, char *p)
{
	char *start = p;

	if (*p == '"')
		return skip_text(s, p + 1);
	if (!is_word(*p)) {
		s->in_hook = s->in_hook && strchr(";,}", *p) == NULL;
		return p + 1;
	}
	while (is_word(*p))
		p++;
	s->in_hook = p - start == strlen("hook") && strncmp(start, "hook", strlen("hook")) == 0;
	return p;
}

static void
scan_line(struct scan *s, char *line)
{
	char *p = line, *start;

	while (*p != '\0') {
		if (s->place == PLACE_COMMENT) {
			p = skip_comment(s, p);
		} else if (s->place == PLACE_TEXT) {
			p = skip_text(s, p);
		} else if (*p == '#' || strncmp(p, "//", 2) == 0) {
			return;
		} else if (strncmp(p, "/*", 2) == 0) {
			p = skip_comment(s, p + 2);
		} else {
			start = p;
			p = skip_token(s, p);
			compare(s, line, start, p);
		}
	}
}

/* Where quotes are amiss nobody knows where a hook's text ends: its line shows no more than its signs. */
static void
hide_behind_hook(char *line)
{
	char *p = strstr(line, "hook");

	for (p = p != NULL ? p + strlen("hook") : line + strlen(line); *p != '\0'; p++)
		if (strchr(" \t\r=\";,(){}", *p) == NULL)
			*p = '*';
}

char *
config_scan_line(FILE *stream, int number, const char *token, unsigned int nth, struct config_span *found)
{
	struct scan s = {.left = nth};
	char *line = NULL;
	size_t size = 0;

	for (; number > 0; number--) {
		if (getline(&line, &size, stream) < 0) {
			free(line);
			return NULL;
		}
		line[strcspn(line, "\n")] = '\0';
		s.token = number == 1 ? token : NULL;
		scan_line(&s, line);
		if (number == 1 && token == NULL)
			hide_behind_hook(line);
	}
	*found = s.found;
	return line;
}

FILE *
config_scan_open(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode) ? fopen(path, "re") : NULL;
}

bool
config_scan_wide_number(const char *path, int *line, char number[CONFIG_SCAN_NUMBER_SIZE])
{
	struct scan s = {.wide = true};
	FILE *stream = config_scan_open(path);
	char *text = NULL;
	size_t size = 0;
	int at;

	if (stream == NULL)
		return false;
	for (at = 1; s.found.length == 0 && getline(&text, &size, stream) >= 0; at++) {
		scan_line(&s, text);
		if (at <= *line)
			s.found.length = 0;
	}
	if (s.found.length > 0) {
		*line = at - 1;
		snprintf(number, CONFIG_SCAN_NUMBER_SIZE, "%.*s", (int)s.found.length, text + s.found.start);
	}
	free(text);
	fclose(stream);
	return s.found.length > 0;
}

int
config_scan_zero(const char *path)
{
	FILE *stream = config_scan_open(path);
	char *line = NULL;
	size_t size = 0;
	ssize_t length;
	int number = 1, found = 0;

	if (stream == NULL)
		return 0;
	for (; found == 0 && (length = getline(&line, &size, stream)) >= 0; number++)
		if (memchr(line, '\0', (size_t)length) != NULL)
			found = number;
	free(line);
	fclose(stream);
	return found;
}

int
config_scan_last_text(const char *path, const char *text, int limit)
{
	FILE *stream = config_scan_open(path);
	char *line = NULL, *at;
	size_t size = 0, length = strlen(text);
	int number, found = limit;

	if (stream == NULL)
		return limit;
	for (number = 1; number <= limit && getline(&line, &size, stream) >= 0; number++)
		for (at = strchr(line, '"'); at != NULL; at = strchr(at + 1, '"'))
			if (strncmp(at + 1, text, length) == 0 && at[1 + length] == '"')
				found = number;
	free(line);
	fclose(stream);
	return found;
}
