/* SPDX-License-Identifier: ISC */
/*
 * The way of a mistake to the log and to people; see config_mistake.h.
 */
#include "config_mistake.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "config_scan.h"
#include "log.h"
#include "message.h"
#include "text.h"

#define INDENT 4
/* Of a long line only what is around the mark is shown. */
#define SHOWN_SIZE 104
#define BEFORE_MAX 72
#define LEFT_OUT "..."

static struct {
	config_mistake_taker *take;
	void *context;
	FILE *marks;
} mistakes;

void
config_mistake_send(config_mistake_taker *take, void *context)
{
	mistakes.take = take;
	mistakes.context = context;
}

void
config_mistake_mark(FILE *out)
{
	mistakes.marks = out;
}

/* Where the shown part begins: not within a character. */
static size_t
beginning(const char *line, size_t mark)
{
	size_t start = strspn(line, " ");

	if (mark < start + BEFORE_MAX)
		return start;
	for (start = mark - BEFORE_MAX; ((unsigned char)line[start] & 0xc0) == 0x80; start++)
		;
	return start;
}

static void
show(FILE *out, const char *line, const struct config_span *span)
{
	char shown[SHOWN_SIZE], before[SHOWN_SIZE], marked[SHOWN_SIZE];
	size_t start = beginning(line, span->start), length;
	const char *ahead = start > strspn(line, " ") ? LEFT_OUT : "";

	text_copy_printable(shown, sizeof(shown), line + start, strlen(line + start));
	text_copy_printable(before, sizeof(before), line + start, span->start - start);
	/* As much of it as is shown. */
	text_copy_printable(marked, sizeof(marked) - (span->start - start), line + span->start, span->length);
	fprintf(out, "%*s%s%s%s\n", INDENT, "", ahead, shown, strlen(shown) < strlen(line + start) ? LEFT_OUT : "");
	fprintf(out, "%*s^", INDENT + (int)(strlen(ahead) + text_columns(before)), "");
	for (length = text_columns(marked); length > 1; length--)
		fputc('~', out);
	fputc('\n', out);
}

static void
mark(FILE *out, const struct config_place *place)
{
	FILE *stream = config_scan_open(place->path);
	struct config_span span;
	char *line, *tab;

	if (stream == NULL)
		return;
	line = config_scan_line(stream, place->line, place->token, place->nth, &span);
	fclose(stream);
	if (line == NULL)
		return;
	while ((tab = strpbrk(line, "\t\r")) != NULL)
		*tab = ' ';
	if (span.length == 0)
		span = (struct config_span){.start = strspn(line, " "), .length = 1};
	if (line[span.start] != '\0')
		show(out, line, &span);
	free(line);
}

void
config_mistake_say(const struct config_place *place, const char *format, ...)
{
	char raw[LOG_TEXT_SIZE], text[LOG_TEXT_SIZE];
	va_list args;

	va_start(args, format);
	vsnprintf(raw, sizeof(raw), format, args);
	va_end(args);
	text_copy_printable(text, sizeof(text), raw, strlen(raw));
	if (mistakes.take != NULL)
		mistakes.take(mistakes.context, text);
	else
		log_error("%s", text);
	if (mistakes.marks != NULL && place != NULL)
		mark(mistakes.marks, place);
}
