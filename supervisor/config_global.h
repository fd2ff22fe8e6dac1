/* SPDX-License-Identifier: ISC */
/*
 * The global settings of natter.cfg: the table of its top-level keys.  Applies
 * no default.
 */
#ifndef CONFIG_GLOBAL_H
#define CONFIG_GLOBAL_H

#include "config.h"
#include "config_file.h"
#include "config_syntax.h"

/* A configuration in the making, with what reaches it only through its mappings. */
struct config_global {
	struct config *config;
	struct config_hosts keep_alive;
	uint32_t keep_alive_shortest; /* bounds of the interval; 0: not set */
	uint32_t keep_alive_longest;
	uint32_t stun_interval; /* 0: not set */
	struct hook_settings hook;
};

/* Reads the whole parsed file.  Mistakes are logged and counted in file. */
void config_global_read(struct config_file *file, struct config_global *global);
/* Writes it in natter.cfg's syntax, once all defaults are filled in. */
void config_global_write(struct config_out *out, const struct config_global *global);
void config_global_free(struct config_global *global);

#endif
