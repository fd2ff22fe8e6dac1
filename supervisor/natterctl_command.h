/* SPDX-License-Identifier: ISC */
/*
 * A table of commands: choosing one by the beginning of its name, checking how many
 * arguments it was given, and listing them all.
 */
#ifndef NATTERCTL_COMMAND_H
#define NATTERCTL_COMMAND_H

#include <stdbool.h>
#include <stdio.h>

/* A table begins with the command that is wanted most, and ends with one whose name is NULL. */
struct natterctl_command {
	const char *name;
	const char *argument; /* NULL: it takes none; in brackets: it may be left out */
	const char *help;
	int (*run)(const char *argument); /* returns the exit status */
};

/* The one that is called so, else the first of the table if it begins so, else the one that alone
 * does; NULL after saying what is wrong. */
const struct natterctl_command *natterctl_command_find(const struct natterctl_command *table, const char *word);

/* Does it take so many arguments?  Says what it takes if not. */
bool natterctl_command_takes(const struct natterctl_command *command, int arguments);

/* A line each: two spaces, the name, the argument, and what it does.  The completions of shells read it. */
void natterctl_command_list(const struct natterctl_command *table, FILE *out);

#endif
