/* SPDX-License-Identifier: ISC */
/*
 * The result of a NAT check, as checknat_verdict made it, for people and as an exit
 * status.  natterd and natterctl share it.
 */
#ifndef CHECKNAT_PRINT_H
#define CHECKNAT_PRINT_H

#include <json-c/json.h>

enum {
	CHECKNAT_WORKS = 0,
	CHECKNAT_FAILS = 1,
	CHECKNAT_UNKNOWN = 3, /* 2 is for the command line */
};

/* Prints a table of both protocols and the sentences below it. */
void checknat_print(struct json_object *result);

/* The exit status that the result stands for. */
int checknat_status(struct json_object *result);

#endif
