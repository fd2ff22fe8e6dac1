/* SPDX-License-Identifier: ISC */
/*
 * natterctl watch: news of the mappings as they come (control.h), a line each.
 */
#ifndef NATTERCTL_WATCH_H
#define NATTERCTL_WATCH_H

#include <stdbool.h>

/* Prints the news of the mapping name, or of all if that is NULL, that the natterd at the
 * socket path tells; with json each as one line of JSON.  Returns natterctl's exit status:
 * NATTERCTL_NO_DAEMON when natterd ends, after saying so; NATTERCTL_OK when nobody reads
 * standard output any more. */
int natterctl_watch(const char *path, const char *name, bool json);

#endif
