/* SPDX-License-Identifier: ISC */
/*
 * The settings of hooks in natter.cfg, which are the same for all mappings and
 * for one: hook, hook_user, hook_timeout and hook_retry.
 */
#ifndef CONFIG_HOOK_H
#define CONFIG_HOOK_H

#include "config_file.h"
#include "config_syntax.h"
#include "hook_settings.h"

/* Reads the one of the four that setting is.  An account is looked up; a mistake is
 * logged and counted in file. */
void config_hook_read(struct config_file *file, const config_setting_t *setting, struct hook_settings *hook);

/* Writes the one of the four that key names. */
void config_hook_write(struct config_out *out, const char *key, const struct hook_settings *hook);

/* What a mapping leaves to the global settings, which are complete; "" becomes none. */
void config_hook_complete(struct hook_settings *hook, const struct hook_settings *global);

#endif
