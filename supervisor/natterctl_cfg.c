/* SPDX-License-Identifier: ISC */
/*
 * natter.cfg as text; see natterctl_cfg.h.  libconfig reads "\xHH" in quotes as
 * one byte, and ends a comment that # begins at a newline only.
 */
#include "natterctl_cfg.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "text.h"

#define INDENT 4
#define WIDTH 79
#define JSON_STYLE (JSON_C_TO_STRING_SPACED | JSON_C_TO_STRING_NOSLASHESCAPE)

/* Puts the first character of length bytes, or a byte that is none as an escape.
 * Returns how many bytes that was. */
static size_t
put_character(FILE *out, const char *text, size_t length)
{
	size_t n = text_printable_length(text, length);

	if (n > 0)
		return fwrite(text, 1, n, out);
	if (text[0] == '\n')
		fputs("\\n", out);
	else
		fprintf(out, "\\x%02x", (unsigned char)text[0]);
	return 1;
}

static void
put_characters(FILE *out, const char *text, size_t length)
{
	size_t i = 0;

	while (i < length)
		i += put_character(out, text + i, length - i);
}

void
natterctl_cfg_indent(FILE *out, int depth)
{
	fprintf(out, "%*s", depth * INDENT, "");
}

void
natterctl_cfg_text(FILE *out, const char *text)
{
	size_t i = 0, length = strlen(text);

	fputc('"', out);
	while (i < length) {
		if (text[i] == '"' || text[i] == '\\')
			fputc('\\', out);
		i += put_character(out, text + i, length - i);
	}
	fputc('"', out);
}

/* Words, as many to a line as fit. */
static void
put_comment(FILE *out, int depth, const char *text)
{
	size_t column = 0, length;
	const char *word;

	for (word = text; *word != '\0'; word += length + strspn(word + length, " ")) {
		length = strcspn(word, " ");
		if (column == 0 || column + 1 + length > WIDTH) {
			if (column > 0)
				fputc('\n', out);
			natterctl_cfg_indent(out, depth);
			fputc('#', out);
			column = (size_t)(depth * INDENT) + 1;
		}
		fputc(' ', out);
		put_characters(out, word, length);
		column += 1 + length;
	}
	fputc('\n', out);
}

void
natterctl_cfg_comment(FILE *out, int depth, const char *format, ...)
{
	char *text;
	va_list args;
	int length;

	va_start(args, format);
	length = vasprintf(&text, format, args);
	va_end(args);
	if (length < 0)
		fatal("out of memory");
	put_comment(out, depth, text);
	free(text);
}

void
natterctl_cfg_comment_member(FILE *out, int depth, const char *key, struct json_object *value)
{
	struct json_object *member = json_object_new_object();
	const char *text;

	json_object_object_add(member, key, json_object_get(value));
	text = json_object_to_json_string_ext(member, JSON_STYLE);
	natterctl_cfg_indent(out, depth);
	fputs("#   ", out);
	put_characters(out, text, strlen(text));
	fputc('\n', out);
	json_object_put(member);
}

void
natterctl_cfg_setting(FILE *out, int depth, const char *key, const char *text)
{
	natterctl_cfg_indent(out, depth);
	fprintf(out, "%s = ", key);
	natterctl_cfg_text(out, text);
	fputs(";\n", out);
}

static bool
fits_on_a_line(int depth, const char *key, const struct natterctl_cfg_item *items, size_t count)
{
	size_t i, width = (size_t)(depth * INDENT) + strlen(key) + strlen(" = [ ];");

	for (i = 0; i < count && items[i].comment[0] == '\0'; i++)
		width += strlen(items[i].text) + strlen("\"\", ");
	return i == count && width <= WIDTH;
}

static void
put_item(FILE *out, int depth, const struct natterctl_cfg_item *item, bool is_last)
{
	if (item->comment[0] != '\0')
		natterctl_cfg_comment(out, depth, "%s\"%s\" %s", item->lead != NULL ? item->lead : "",
		    item->text, item->comment);
	if (item->left_out)
		return;
	natterctl_cfg_indent(out, depth);
	natterctl_cfg_text(out, item->text);
	fputs(is_last ? "\n" : ",\n", out);
}

static void
put_lines(FILE *out, int depth, const struct natterctl_cfg_item *items, size_t count)
{
	size_t i, last = 0;

	for (i = 0; i < count; i++)
		if (!items[i].left_out)
			last = i;
	fputc('\n', out);
	for (i = 0; i < count; i++)
		put_item(out, depth + 1, &items[i], i == last);
	natterctl_cfg_indent(out, depth);
}

static void
put_line(FILE *out, const struct natterctl_cfg_item *items, size_t count)
{
	size_t i;

	fputc(' ', out);
	for (i = 0; i < count; i++) {
		natterctl_cfg_text(out, items[i].text);
		fputs(i + 1 < count ? ", " : " ", out);
	}
}

void
natterctl_cfg_list(FILE *out, int depth, const char *key, const struct natterctl_cfg_item *items, size_t count)
{
	natterctl_cfg_indent(out, depth);
	fprintf(out, "%s = [", key);
	if (fits_on_a_line(depth, key, items, count))
		put_line(out, items, count);
	else
		put_lines(out, depth, items, count);
	fputs("];\n", out);
}
