/* SPDX-License-Identifier: ISC */
/*
 * The settings of a mapping that are for what natter itself relays: time-outs, limits, and who gets in.
 * All need a target, and some are for one protocol only.
 */
#ifndef CONFIG_RELAY_H
#define CONFIG_RELAY_H

#include "config_syntax.h"
#include "config_value.h"

/* Reads a setting whose key is one of them.  Mistakes are logged. */
void config_relay_read(struct config_file *file, const config_setting_t *setting, struct mapping *m);
/* Writes the one of that key in natter.cfg's syntax, if the mapping may have it. */
void config_relay_write(struct config_out *out, const char *key, const struct mapping *m);

/* Whether those that stand in the mapping's group are for such a mapping: otherwise it is a mistake. */
void config_relay_check(struct config_file *file, const config_setting_t *group, const struct mapping *m);
/* Fills in the defaults. */
void config_relay_complete(struct mapping *m);

#endif
