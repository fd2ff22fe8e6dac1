/* SPDX-License-Identifier: ISC */
/*
 * Column widths and printing; see table.h.
 */
#include "table.h"

#include <bsd/stdlib.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/queue.h>
#include <unistd.h>

#include "alloc.h"
#include "terminal.h"

#define FIRST_MIN 8   /* characters of the first column that always stay */
#define COLUMNS_MIN 4 /* columns that always stay */
#define GAP 2
#define NOTE_INDENT 4
#define NOTE_MIN 36 /* a note's characters in a line, however narrow */

struct row {
	TAILQ_ENTRY(row) entry;
	char *cells[TABLE_COLUMNS_MAX];
	const char *colours[TABLE_COLUMNS_MAX]; /* NULL: none */
	char *note;
};

struct table {
	const char *const *headings;
	int columns;
	int shown;
	int widths[TABLE_COLUMNS_MAX];
	TAILQ_HEAD(rows, row) rows;
};

static int
put_byte(FILE *out, char c, bool lines)
{
	bool printable = (c >= 0x20 && c < 0x7f) || (lines && c == '\n');

	return fputc(printable ? c : '?', out);
}

static void
put_text(FILE *out, const char *text, int length, bool lines)
{
	int i;

	for (i = 0; i < length; i++)
		put_byte(out, text[i], lines);
}

void
table_put_text(FILE *out, const char *text, int lines)
{
	put_text(out, text, (int)strlen(text), lines != 0);
}

void
table_put_paragraph(FILE *out, const char *text, int width)
{
	int column = 0, length;

	while (*text != '\0') {
		length = (int)strcspn(text, " ");
		if (column > 0 && width > 0 && column + 1 + length > width) {
			fputc('\n', out);
			column = 0;
		}
		if (column > 0)
			column += fputc(' ', out) == ' ';
		column += length;
		for (; length > 0; length--)
			put_byte(out, *text++, false);
		text += strspn(text, " ");
	}
	fputc('\n', out);
}

struct table *
table_new(const char *const *headings)
{
	struct table *t = alloc_zero(sizeof(*t));

	t->headings = headings;
	for (; t->columns < TABLE_COLUMNS_MAX && headings[t->columns] != NULL; t->columns++)
		t->widths[t->columns] = (int)strlen(headings[t->columns]);
	TAILQ_INIT(&t->rows);
	return t;
}

void
table_add(struct table *table, const char *const *cells, const char *note)
{
	struct row *row = alloc_zero(sizeof(*row));
	int i, length;

	for (i = 0; i < table->columns; i++) {
		row->cells[i] = alloc_string(cells[i]);
		length = (int)strlen(cells[i]);
		if (length > table->widths[i])
			table->widths[i] = length;
	}
	row->note = alloc_string(note);
	TAILQ_INSERT_TAIL(&table->rows, row, entry);
}

void
table_colour(struct table *table, int column, const char *colour)
{
	TAILQ_LAST(&table->rows, rows)->colours[column] = colour;
}

void
table_free(struct table *table)
{
	struct row *row;
	int i;

	while ((row = TAILQ_FIRST(&table->rows)) != NULL) {
		TAILQ_REMOVE(&table->rows, row, entry);
		for (i = 0; i < table->columns; i++)
			free(row->cells[i]);
		free(row->note);
		free(row);
	}
	free(table);
}

static int
total_width(const struct table *t)
{
	int i, sum = 0;

	for (i = 0; i < t->shown; i++)
		sum += t->widths[i] + (i > 0 ? GAP : 0);
	return sum;
}

static void
fit(struct table *t, int width)
{
	int first = t->widths[0], excess;

	t->shown = t->columns;
	if (width <= 0)
		return;
	while (t->shown > COLUMNS_MIN && total_width(t) - (first > FIRST_MIN ? first - FIRST_MIN : 0) > width)
		t->shown--;
	excess = total_width(t) - width;
	if (excess > 0 && first > FIRST_MIN)
		t->widths[0] = first - excess > FIRST_MIN ? first - excess : FIRST_MIN;
}

/* Returns the characters, at most width.  A shortened text ends with '~'. */
static int
print_text(FILE *out, const char *text, int width)
{
	int length = (int)strlen(text), i;
	bool cut = length > width;

	for (i = 0; i < (cut ? width - 1 : length); i++)
		put_byte(out, text[i], false);
	if (cut)
		fputc('~', out);
	return cut ? width : length;
}

/* The last cell of a line is not padded.  colours may be NULL. */
static void
print_cells(const struct table *t, FILE *out, const char *const *cells, const char *const *colours)
{
	const char *colour;
	int i, length;

	for (i = 0; i < t->shown; i++) {
		colour = colours != NULL && colours[i] != NULL ? colours[i] : TERMINAL_PLAIN;
		terminal_begin(out, colour);
		length = print_text(out, cells[i], t->widths[i]);
		terminal_end(out, colour);
		if (i == t->shown - 1)
			fputc('\n', out);
		else
			fprintf(out, "%*s", t->widths[i] - length + GAP, "");
	}
}

/* As many words as fit into room characters, but at least one. */
static int
line_length(const char *text, int room)
{
	int length = (int)strlen(text), end = room;

	if (length <= room)
		return length;
	while (end > 0 && text[end] != ' ')
		end--;
	return end > 0 ? end : (int)strcspn(text, " ");
}

static void
print_note(FILE *out, const char *note, int width)
{
	int room = width > 0 ? width - NOTE_INDENT : INT_MAX, length;

	if (room < NOTE_MIN)
		room = NOTE_MIN;
	for (; *note != '\0'; note += length + (int)strspn(note + length, " ")) {
		length = line_length(note, room);
		fprintf(out, "%*s", NOTE_INDENT, "");
		put_text(out, note, length, false);
		fputc('\n', out);
	}
}

void
table_print(struct table *table, FILE *out, int width)
{
	const struct row *row;

	fit(table, width);
	print_cells(table, out, table->headings, NULL);
	TAILQ_FOREACH (row, &table->rows, entry) {
		print_cells(table, out, (const char *const *)row->cells, row->colours);
		print_note(out, row->note, width);
	}
}

int
table_terminal_width(void)
{
	const char *columns = getenv("COLUMNS"), *error = NULL;
	struct winsize size;
	long long n;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
		return size.ws_col;
	if (columns == NULL)
		return 0;
	n = strtonum(columns, 1, 10000, &error);
	return error == NULL ? (int)n : 0;
}
