/* SPDX-License-Identifier: ISC */
/*
 * natterctl's commands.  One table gives their names, their usage and what they do.
 */
#ifndef NATTERCTL_H
#define NATTERCTL_H

#include <stdbool.h>
#include <stdio.h>

struct natterctl_options {
	const char *socket; /* natterd's control socket */
	bool json;
};

/* Runs the command and its argument, as they stand on the command line, after saying what is
 * wrong with them.  Returns the exit status (natterctl_ask.h). */
int natterctl_run(const struct natterctl_options *options, int count, char *const words[]);

/* The command line, with every command. */
void natterctl_print_usage(FILE *out);

#endif
