/* SPDX-License-Identifier: ISC */
/*
 * A text table for a terminal: a header, rows of cells, and notes below a row.
 * Prints nothing but printable ASCII, what it is given may come from anywhere, and colours of
 * terminal.h.
 */
#ifndef TABLE_H
#define TABLE_H

#include <stdio.h>

#define TABLE_COLUMNS_MAX 8

/* Prints text with every other byte as '?'; newlines stay if lines is not 0. */
void table_put_text(FILE *out, const char *text, int lines);

/* Prints text as a paragraph whose lines have at most width characters and break
 * between words; 0: one line. */
void table_put_paragraph(FILE *out, const char *text, int width);

/* headings ends with NULL and must outlive the table.  Never NULL. */
struct table *table_new(const char *const *headings);
/* One cell for each heading; they are copied.  note, if it is not "", is
 * printed indented below the row. */
void table_add(struct table *table, const char *const *cells, const char *note);
/* The colour (terminal.h), which must outlive the table, of a cell of the row that was added last. */
void table_colour(struct table *table, int column, const char *colour);
void table_free(struct table *table);

/* As many characters as a line may have; 0: as many as it needs.  What is too
 * wide loses first the ends of the first column's cells, down to eight
 * characters, then whole columns from the right, down to the first four; notes
 * take several lines. */
void table_print(struct table *table, FILE *out, int width);

/* The terminal's, else $COLUMNS, else 0. */
int table_terminal_width(void);

#endif
