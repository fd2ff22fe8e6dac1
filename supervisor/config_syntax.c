/* SPDX-License-Identifier: ISC */
/*
 * Texts, numbers, lists and groups as libconfig reads them; see config_syntax.h.
 */
#include "config_syntax.h"

#include <string.h>

#include "text.h"

#define INDENT 4
#define LINE_MAX_WIDTH 100

static int
begin(struct config_out *out, const char *key)
{
	return fprintf(out->stream, "%*s%s%s", INDENT * out->depth, "", key != NULL ? key : "", key != NULL ? " = " : "");
}

static void
put_byte(FILE *stream, unsigned char c)
{
	if (c == '"' || c == '\\')
		fprintf(stream, "\\%c", c);
	else if (c == '\n')
		fputs("\\n", stream);
	else if (c == '\t')
		fputs("\\t", stream);
	else
		fprintf(stream, "\\x%02x", c);
}

/* What is not fit for a terminal is written by its number. */
static void
put_text(FILE *stream, const char *text)
{
	size_t n, length = strlen(text);

	fputc('"', stream);
	for (; length > 0; text += n, length -= n) {
		n = *text == '"' || *text == '\\' ? 0 : text_printable_length(text, length);
		fwrite(text, 1, n, stream);
		if (n > 0)
			continue;
		put_byte(stream, (unsigned char)*text);
		n = 1;
	}
	fputc('"', stream);
}

void
config_syntax_text(struct config_out *out, const char *key, const char *value)
{
	begin(out, key);
	put_text(out->stream, value != NULL ? value : "");
	fputs(";\n", out->stream);
}

void
config_syntax_number(struct config_out *out, const char *key, uint32_t value)
{
	begin(out, key);
	fprintf(out->stream, "%u;\n", value);
}

void
config_syntax_range(struct config_out *out, const char *key, uint32_t least, uint32_t most)
{
	if (least == most) {
		config_syntax_number(out, key, most);
		return;
	}
	begin(out, key);
	fprintf(out->stream, "[ %u, %u ];\n", least, most);
}

/* The next element of a list whose line is at that column.  Returns the column behind it. */
static int
put_element(struct config_out *out, int column, const char *text, bool first)
{
	int length = (int)strlen(text);

	if (!first)
		fputc(',', out->stream);
	column += length + (int)strlen(" \"\",");
	if (!first && column > LINE_MAX_WIDTH)
		column = fprintf(out->stream, "\n%*s", INDENT * (out->depth + 1) - 1, "") + length;
	fputc(' ', out->stream);
	put_text(out->stream, text);
	return column;
}

void
config_syntax_hosts(struct config_out *out, const char *key, const struct config_hosts *hosts)
{
	char text[ADDR_HOST_SIZE + sizeof("[]:65535")];
	const struct config_host *host;
	int column = begin(out, key);
	size_t i;

	column += fprintf(out->stream, "[");
	for (i = 0; i < hosts->count; i++) {
		host = &hosts->list[i];
		snprintf(text, sizeof(text), strchr(host->host, ':') != NULL ? "[%s]:%u" : "%s:%u", host->host,
		    host->port);
		column = put_element(out, column, text, i == 0);
	}
	fputs(" ];\n", out->stream);
}

void
config_syntax_networks(struct config_out *out, const char *key, const struct networks *networks)
{
	char text[NETWORK_TEXT_SIZE];
	int column = begin(out, key);
	uint32_t i;

	column += fprintf(out->stream, "[");
	for (i = 0; i < networks->count; i++)
		column = put_element(out, column, network_text(&networks->list[i], text), i == 0);
	fputs(" ];\n", out->stream);
}

void
config_syntax_comment(struct config_out *out, const char *key, const char *about)
{
	fprintf(out->stream, "%*s# %s: %s\n", INDENT * out->depth, "", key, about);
}

void
config_syntax_open(struct config_out *out, const char *key, const char *bracket)
{
	begin(out, key);
	fprintf(out->stream, "%s\n", bracket);
	out->depth++;
}

void
config_syntax_close(struct config_out *out, const char *bracket)
{
	out->depth--;
	begin(out, NULL);
	fprintf(out->stream, "%s\n", bracket);
}
