/* SPDX-License-Identifier: ISC */
/*
 * natterctl's main: the options of its command line.  The commands are natterctl.c's.
 */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "natterctl.h"
#include "natterctl_ask.h"
#include "paths.h"

/* A user's own natterd comes first, then the system's. */
static const char *
default_socket(void)
{
	static char own[PATH_MAX];

	paths_control_socket(own);
	return geteuid() != 0 && access(own, F_OK) < 0 ? PATHS_SYSTEM_SOCKET : own;
}

int
main(int argc, char *argv[])
{
	static const struct option long_options[] = {
	    {"socket", required_argument, NULL, 's'},
	    {"json", no_argument, NULL, 'j'},
	    {"help", no_argument, NULL, 'h'},
	    {"version", no_argument, NULL, 'V'},
	    {NULL, 0, NULL, 0},
	};
	struct natterctl_options options = {.socket = default_socket()};
	int option, result;

	while ((option = getopt_long(argc, argv, "s:hV", long_options, NULL)) != -1) {
		switch (option) {
		case 's':
			options.socket = optarg;
			break;
		case 'j':
			options.json = true;
			break;
		case 'h':
			natterctl_print_usage(stdout);
			return NATTERCTL_OK;
		case 'V':
			printf("natterctl %s\n", NATTER_VERSION);
			return NATTERCTL_OK;
		default:
			fputs("See natterctl --help.\n", stderr);
			return NATTERCTL_USAGE;
		}
	}
	result = natterctl_run(&options, argc - optind, argv + optind);
	if ((fflush(stdout) != 0 || ferror(stdout)) && result == NATTERCTL_OK) {
		fprintf(stderr, "natterctl: cannot write the output: %s\n", strerror(errno));
		result = NATTERCTL_REFUSED;
	}
	return result;
}
