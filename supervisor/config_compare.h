/* SPDX-License-Identifier: ISC */
/*
 * What a configuration that is read again means for a mapping.
 */
#ifndef CONFIG_COMPARE_H
#define CONFIG_COMPARE_H

#include "config.h"

enum config_difference {
	CONFIG_SAME,
	CONFIG_CHANGED, /* its worker can go on with it */
	CONFIG_MOVED,   /* another protocol, address or port, which takes another worker */
};

/* Both with their ports chosen.  The log level is a global setting and no difference. */
enum config_difference config_compare(const struct config_mapping *old, const struct config_mapping *new);

/* Of a mapping that has no namesake in the new configuration: the one of config that has the same
 * protocol, address and port, and so is the same with another name; NULL: there is none. */
const struct config_mapping *config_find_place(const struct config *config, const struct mapping *mapping);

#endif
