/* SPDX-License-Identifier: ISC */
/*
 * Colours; see terminal.h.
 */
#include "terminal.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool
has_colour(FILE *out)
{
	const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");

	return isatty(fileno(out)) && (no_color == NULL || no_color[0] == '\0') && term != NULL &&
	       strcmp(term, "dumb") != 0;
}

static void
put(FILE *out, const char *colour, const char *code)
{
	if (colour[0] != '\0' && has_colour(out))
		fputs(code, out);
}

void
terminal_begin(FILE *out, const char *colour)
{
	put(out, colour, colour);
}

void
terminal_end(FILE *out, const char *colour)
{
	put(out, colour, "\033[0m");
}
