/* SPDX-License-Identifier: ISC */
/*
 * single.c: why a port cannot be had.
 * NEEDS: supervisor/single supervisor/broker
 */
#include "single.h"

#include <errno.h>

#include "check.h"

/* single_load's, which the tests of the command line look at. */
struct config *
config_single(const char *file, const struct mapping *mapping)
{
	(void)file;
	(void)mapping;
	return NULL;
}

static bool
says(const struct mapping *m, int error, const char *text)
{
	return strstr(single_explain_port(m, error), text) != NULL;
}

int
main(void)
{
	struct mapping page = {.test_page = 1}, punched = {.protocol = PROTOCOL_TCP}, check = {.task = TASK_CHECK};

	CHECK(says(&page, EADDRINUSE, "or open the port for that program: without -t"));
	CHECK(says(&punched, EADDRINUSE, "SO_REUSEPORT), or belongs to another user; start natterd as root"));
	punched.protocol = PROTOCOL_UDP;
	CHECK(says(&punched, EADDRINUSE, "(SO_REUSEADDR), or belongs to another user; choose another port"));
	CHECK_TEXT(single_explain_port(&check, EADDRINUSE),
	    "another program on this machine has it; choose another port, or none");
	CHECK_TEXT(single_explain_port(&page, ENOPROTOOPT), "This system does not support reusing ports.");
	CHECK(says(&page, EACCES, "takes root"));
	CHECK(says(&page, EADDRNOTAVAIL, "leave it out"));
	CHECK_TEXT(single_explain_port(&page, EMFILE), strerror(EMFILE));
	return check_done();
}
