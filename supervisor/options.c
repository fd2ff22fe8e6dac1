/* SPDX-License-Identifier: ISC */
/*
 * The command line; see options.h.  One table holds what getopt_long needs and
 * what --help prints, so that the two cannot disagree.
 */
#include "options.h"

#include <getopt.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifndef SYSCONFDIR
#define SYSCONFDIR "/etc"
#endif

/* Options without a letter. */
enum {
	OPTION_CHECK_NAT = UCHAR_MAX + 1,
	OPTION_JSON,
};

struct option_row {
	int letter; /* above UCHAR_MAX: it has a long name only */
	const char *name;
	const char *argument; /* what to call it, or NULL: takes none */
	const char *help;
};

static const struct option_row rows[] = {
    {'c', "config", "FILE", "read FILE instead of " SYSCONFDIR "/natter.cfg"},
    {'f', "foreground", NULL, "stay in the foreground and log to standard error"},
    {'n', "check", NULL, "check the configuration, print it (-v: in full), and end"},
    {'t', "test-page", NULL, "with a port: serve a page to try it, or a UDP echo"},
    {'u', "udp", NULL, "with a port: a UDP port instead of a TCP port"},
    {OPTION_CHECK_NAT, "check-nat", NULL, "what kind of NAT is in the way? can natter work here?"},
    {OPTION_JSON, "json", NULL, "with --check-nat: print the result as JSON"},
    {'v', "verbose", NULL, "log everything, whatever the configuration's level"},
    {'h', "help", NULL, "print this help and end"},
    {'V', "version", NULL, "print the version and end"},
};

#define ROW_COUNT (sizeof(rows) / sizeof(rows[0]))

static void
print_row(const struct option_row *row)
{
	char letter[8] = "    ", head[40];

	if (row->letter <= UCHAR_MAX)
		snprintf(letter, sizeof(letter), "-%c, ", row->letter);
	snprintf(head, sizeof(head), "%s--%s%s%s", letter, row->name, row->argument != NULL ? " " : "",
	    row->argument != NULL ? row->argument : "");
	printf("  %-20s  %s\n", head, row->help);
}

static void __attribute__((noreturn))
print_help(void)
{
	size_t i;

	printf("Usage: natterd [-fnv] [-c FILE]\n"
	       "       natterd [-tuv] [-c FILE] [SRC_IP] SRC_PORT\n"
	       "       natterd --check-nat [--json] [-v] [-c FILE] [SRC_IP] [SRC_PORT]\n"
	       "Keeps TCP and UDP ports of this machine reachable through a full-cone NAT.\n\n"
	       "The first form is a service that goes into the background and keeps the ports\n"
	       "of FILE. The second one keeps one port until Ctrl-C ends it, prints where the\n"
	       "Internet reaches it, needs no root and writes no file; of FILE it takes the\n"
	       "servers. SRC_IP is an address of this machine, IPv4 or IPv6. The third form\n"
	       "tells whether the NAT here lets natter work, and what to change if not.\n\n"
	       "  natterd -c natter.cfg          the service\n"
	       "  natterd -n -c natter.cfg       what would it do?\n"
	       "  natterd --check-nat            can it work here?\n"
	       "  natterd -t 3456                does it work here? with a page to look at\n"
	       "  natterd 192.168.1.2 8080       for the program here that has port 8080\n"
	       "  natterd -u -t 3456             the same for UDP, with an echo\n\n");
	for (i = 0; i < ROW_COUNT; i++)
		print_row(&rows[i]);
	printf("\nnatter.cfg(5) explains the configuration, natterctl(8) shows a running natterd.\n");
	exit(EXIT_SUCCESS);
}

static void __attribute__((noreturn))
print_version(void)
{
	printf("natterd %s\n", NATTER_VERSION);
	exit(EXIT_SUCCESS);
}

/* What is wrong has already been said. */
static void __attribute__((noreturn))
end_refused(void)
{
	fprintf(stderr, "try natterd --help\n");
	exit(OPTIONS_USAGE);
}

static void __attribute__((format(printf, 1, 2), noreturn))
refuse(const char *format, ...)
{
	va_list args;

	fprintf(stderr, "natterd: ");
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, "\n");
	end_refused();
}

/* The two forms in which getopt_long wants the table. */
static void
fill_tables(char letters[2 * ROW_COUNT + 1], struct option longs[ROW_COUNT + 1])
{
	size_t i;

	memset(longs, 0, sizeof(longs[0]) * (ROW_COUNT + 1));
	for (i = 0; i < ROW_COUNT; i++) {
		if (rows[i].letter <= UCHAR_MAX) {
			*letters++ = (char)rows[i].letter;
			if (rows[i].argument != NULL)
				*letters++ = ':';
		}
		longs[i].name = rows[i].name;
		longs[i].has_arg = rows[i].argument != NULL ? required_argument : no_argument;
		longs[i].val = rows[i].letter;
	}
	*letters = '\0';
}

/* -check-nat has one hyphen too few, and the rest of it would be a file's name. */
static void
take_file(struct options *options, const char *file)
{
	if (file[0] == '\0')
		refuse("no file is named; write -c FILE");
	if (strncmp(file, "heck", 4) == 0 && access(file, F_OK) < 0)
		refuse("-c names the file \"%s\", which is not there; did you mean --c%s?", file, file);
	options->config_file = file;
}

static void
take_option(struct options *options, int letter)
{
	switch (letter) {
	case 'c':
		take_file(options, optarg);
		break;
	case 'f':
		options->foreground = true;
		break;
	case 'n':
		options->check_only = true;
		break;
	case 't':
		options->test_page = true;
		break;
	case 'u':
		options->udp = true;
		break;
	case OPTION_CHECK_NAT:
		options->check_nat = true;
		break;
	case OPTION_JSON:
		options->json = true;
		break;
	case 'v':
		options->verbose++;
		break;
	case 'h':
		print_help();
	case 'V':
		print_version();
	default:
		end_refused(); /* getopt_long has said what is wrong */
	}
}

/* From what other address could a port be opened to the Internet? */
static void
check_source(const struct addr *a)
{
	char text[ADDR_TEXT_SIZE];

	addr_ip_text(a, text);
	if (a->sa.sa_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&a->v6.sin6_addr))
		refuse("%s is an IPv4 address; write it as %s", text, strrchr(text, ':') + 1);
	if (addr_is_loopback(a))
		refuse("%s is reached from this machine only; leave it out to take any address", text);
	if (!addr_is_wildcard(a) && !addr_is_routable(a))
		refuse("%s is a link-local, multicast or broadcast address, which no port can be opened on; leave it out to take any",
		    text);
}

static void
take_source(const char *ip, const char *port, struct addr *out)
{
	struct addr a;

	if (addr_port(out) == 0 && addr_parse(port, 0, &a) == 0 && ip[strspn(ip, "0123456789")] == '\0')
		refuse("the address comes first: natterd %s %s", port, ip);
	if (addr_parse(ip, 0, &a) < 0 || addr_port(&a) != 0)
		refuse("\"%s\" is no IPv4 or IPv6 address of this machine", ip);
	if (addr_port(out) == 0 || strspn(port, "0123456789") != strlen(port))
		refuse("\"%s\" is no port; give a number from 1 to 65535", port);
	addr_set_port(&a, addr_port(out));
	*out = a;
}

/* "PORT", "IP:PORT" or "IP" and "PORT"; a check can do without a port. */
static void
take_words(struct options *options, char **words, int count)
{
	const char *last = words[count - 1];

	if (count > 2)
		refuse("\"%s\" is one word too many after SRC_IP and SRC_PORT", words[2]);
	if (addr_parse_local(last, &options->port) < 0)
		refuse("\"%s\" is no port; give a number from 1 to 65535 (-c names a configuration)", last);
	if (count == 2)
		take_source(words[0], last, &options->port);
	else if (addr_port(&options->port) == 0 && !options->check_nat)
		refuse("%s is an address without a port; write natterd %s SRC_PORT", last, last);
	check_source(&options->port);
}

/* What was not said. */
static void
complete(struct options *options)
{
	if (options->check_nat && !addr_is_set(&options->port))
		addr_parse("0.0.0.0", 0, &options->port);
	options->foreground = options->foreground || addr_is_set(&options->port);
	if (options->config_file == NULL && !addr_is_set(&options->port))
		options->config_file = SYSCONFDIR "/natter.cfg";
}

/* Each was right by itself. */
static void
check_together(const struct options *options)
{
	bool has_port = addr_is_set(&options->port);

	if (options->check_nat && (options->check_only || options->test_page || options->udp))
		refuse("--check-nat checks TCP and UDP and opens nothing, so -n, -t and -u do not go with it");
	if (options->json && !options->check_nat)
		refuse("--json goes with --check-nat only");
	if (options->check_only && has_port)
		refuse("-n checks a configuration and opens nothing, so it takes no port");
	if ((options->test_page || options->udp) && !has_port)
		refuse("-%c needs a port, as in natterd -%c 3456", options->test_page ? 't' : 'u',
		    options->test_page ? 't' : 'u');
}

struct options
options_parse(int argc, char **argv)
{
	struct options options = {0};
	char letters[2 * ROW_COUNT + 1];
	struct option longs[ROW_COUNT + 1];
	int letter;

	fill_tables(letters, longs);
	while ((letter = getopt_long(argc, argv, letters, longs, NULL)) != -1)
		take_option(&options, letter);
	if (optind < argc)
		take_words(&options, argv + optind, argc - optind);
	check_together(&options);
	complete(&options);
	return options;
}
