/* SPDX-License-Identifier: ISC */
/*
 * Tables of commands; see natterctl_command.h.
 */
#include "natterctl_command.h"

#include <string.h>

static bool
begins_with(const char *name, const char *beginning)
{
	return beginning[0] != '\0' && strncmp(name, beginning, strlen(beginning)) == 0;
}

static void
say_which(const struct natterctl_command *table, const char *word)
{
	const struct natterctl_command *c;
	const char *before = " could be ";

	fprintf(stderr, "natterctl: \"%s\"", word);
	for (c = table; c->name != NULL; c++) {
		if (!begins_with(c->name, word))
			continue;
		fprintf(stderr, "%s%s", before, c->name);
		before = " or ";
	}
	fputs("; write a letter more\n", stderr);
}

const struct natterctl_command *
natterctl_command_find(const struct natterctl_command *table, const char *word)
{
	const struct natterctl_command *c, *found = NULL;
	unsigned int count = 0;

	for (c = table; c->name != NULL; c++) {
		if (strcmp(c->name, word) == 0)
			return c;
		if (!begins_with(c->name, word))
			continue;
		found = count++ == 0 ? c : found;
	}
	if (count == 0)
		fprintf(stderr, "natterctl: there is no command \"%s\"; see natterctl help\n", word);
	if (count <= 1 || found == table)
		return found;
	say_which(table, word);
	return NULL;
}

bool
natterctl_command_takes(const struct natterctl_command *command, int arguments)
{
	const char *argument = command->argument;

	if (arguments == 0 ? argument == NULL || argument[0] == '[' : arguments == 1 && argument != NULL)
		return true;
	fprintf(stderr, "usage: natterctl %s%s%s\n", command->name, argument != NULL ? " " : "",
	    argument != NULL ? argument : "");
	return false;
}

void
natterctl_command_list(const struct natterctl_command *table, FILE *out)
{
	const struct natterctl_command *c;
	char call[64];

	for (c = table; c->name != NULL; c++) {
		snprintf(call, sizeof(call), "%s %s", c->name, c->argument != NULL ? c->argument : "");
		fprintf(out, "  %-16s %s\n", call, c->help);
	}
}
