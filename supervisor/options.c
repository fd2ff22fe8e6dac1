/* SPDX-License-Identifier: ISC */
/*
 * The command line; see options.h.  One table holds what getopt_long needs and
 * what --help prints, so that the two cannot disagree.
 */
#include "options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef SYSCONFDIR
#define SYSCONFDIR "/etc"
#endif

#define EXIT_USAGE 2

struct option_row {
	char letter;
	const char *name;
	const char *argument; /* what to call it, or NULL: takes none */
	const char *help;
};

static const struct option_row rows[] = {
    {'c', "config", "FILE", "read FILE instead of " SYSCONFDIR "/natter.cfg"},
    {'f', "foreground", NULL, "stay in the foreground and log to standard error"},
    {'n', "check", NULL, "check the configuration, print what would run, and end"},
    {'v', "verbose", NULL, "log everything, whatever the configuration's level"},
    {'h', "help", NULL, "print this help and end"},
    {'V', "version", NULL, "print the version and end"},
};

#define ROW_COUNT (sizeof(rows) / sizeof(rows[0]))

static void __attribute__((noreturn))
print_help(void)
{
	char head[40];
	size_t i;

	printf("Usage: natterd [-fnv] [-c FILE]\n"
	       "Keeps TCP and UDP ports of this machine reachable through a full-cone NAT.\n\n");
	for (i = 0; i < ROW_COUNT; i++) {
		snprintf(head, sizeof(head), "-%c, --%s%s%s", rows[i].letter, rows[i].name,
		    rows[i].argument != NULL ? " " : "", rows[i].argument != NULL ? rows[i].argument : "");
		printf("  %-20s  %s\n", head, rows[i].help);
	}
	printf("\nnatter.cfg(5) explains the configuration, natterctl(8) shows a running natterd.\n");
	exit(EXIT_SUCCESS);
}

static void __attribute__((noreturn))
print_version(void)
{
	printf("natterd %s\n", NATTER_VERSION);
	exit(EXIT_SUCCESS);
}

/* getopt_long has already said what is wrong. */
static void __attribute__((noreturn))
refuse(void)
{
	fprintf(stderr, "try natterd --help\n");
	exit(EXIT_USAGE);
}

/* The two forms in which getopt_long wants the table. */
static void
fill_tables(char letters[2 * ROW_COUNT + 1], struct option longs[ROW_COUNT + 1])
{
	size_t i;

	memset(longs, 0, sizeof(longs[0]) * (ROW_COUNT + 1));
	for (i = 0; i < ROW_COUNT; i++) {
		*letters++ = rows[i].letter;
		if (rows[i].argument != NULL)
			*letters++ = ':';
		longs[i].name = rows[i].name;
		longs[i].has_arg = rows[i].argument != NULL ? required_argument : no_argument;
		longs[i].val = (unsigned char)rows[i].letter;
	}
	*letters = '\0';
}

static void
take_option(struct options *options, int letter)
{
	switch (letter) {
	case 'c':
		options->config_file = optarg;
		break;
	case 'f':
		options->foreground = true;
		break;
	case 'n':
		options->check_only = true;
		break;
	case 'v':
		options->verbose++;
		break;
	case 'h':
		print_help();
	case 'V':
		print_version();
	default:
		refuse();
	}
}

struct options
options_parse(int argc, char **argv)
{
	struct options options = {.config_file = SYSCONFDIR "/natter.cfg"};
	char letters[2 * ROW_COUNT + 1];
	struct option longs[ROW_COUNT + 1];
	int letter;

	fill_tables(letters, longs);
	while ((letter = getopt_long(argc, argv, letters, longs, NULL)) != -1)
		take_option(&options, letter);
	if (optind < argc) {
		fprintf(stderr, "%s: \"%s\" is no option; -c names a configuration\n", argv[0], argv[optind]);
		refuse();
	}
	return options;
}
