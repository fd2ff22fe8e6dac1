/* SPDX-License-Identifier: ISC */
/*
 * natterd's command line.  Ends the program by itself for --help, --version
 * and a usage that it does not understand; otherwise only reads.
 */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <stdbool.h>

#include "addr.h"

/* The exit status after bad usage. */
#define OPTIONS_USAGE 2

struct options {
	const char *config_file; /* points into argv, or the system's natter.cfg; NULL: none, with a port or check_nat only */
	bool foreground;         /* stay in the foreground, log to stderr; so it is with a port */
	bool check_only;         /* check the configuration, describe it and end */
	int verbose;             /* how often -v was given; from 1 on everything is logged */
	struct addr port;        /* open this one port and no mappings of a file; unset: a service */
	bool udp;                /* with a port: a UDP port */
	bool test_page;          /* with a port: answer on it, to show that it works */
	bool check_nat;          /* check the NAT from port, which may be the wildcard and 0, and end */
	bool json;               /* with check_nat: for programs */
};

/* Exit status 0 after --help and --version, 2 after a message about bad usage. */
struct options options_parse(int argc, char **argv);

#endif
