/* SPDX-License-Identifier: ISC */
/*
 * The files that make up a configuration: natter.cfg and what it includes.  libconfig
 * follows @include by itself; this looks at the same files, before or afterwards.
 */
#ifndef CONFIG_INCLUDE_H
#define CONFIG_INCLUDE_H

#include "config_file.h"

/* More are not looked at: of a file that includes itself in several lines there is no end. */
#define CONFIG_INCLUDES_MAX 1000

/* included is the name in the @include line, NULL for natter.cfg itself.  Returns 0, or -1 to look at no more. */
typedef int config_include_visitor(void *context, const char *included, const char *path);

/* Calls visit for each file, also for one that cannot be read, in the order in which libconfig reads them, as often
 * as it does and as deep.  Returns 0, or -1 if visit did or there are too many. */
int config_include_each(const struct config_file *file, config_include_visitor *visit, void *context);

#endif
