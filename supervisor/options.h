/* SPDX-License-Identifier: ISC */
/*
 * natterd's command line.  Ends the program by itself for --help, --version
 * and a usage that it does not understand; otherwise only reads.
 */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <stdbool.h>

struct options {
	const char *config_file; /* points into argv, or the system's natter.cfg */
	bool foreground;         /* stay in the foreground, log to stderr */
	bool check_only;         /* check the configuration, describe it and end */
	int verbose;             /* how often -v was given; from 1 on everything is logged */
};

/* Exit status 0 after --help and --version, 2 after a message about bad usage. */
struct options options_parse(int argc, char **argv);

#endif
