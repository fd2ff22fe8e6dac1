/* SPDX-License-Identifier: ISC */
/*
 * The mappings of natter.cfg: the list "mappings", and what all mappings have in
 * common.  What a mapping leaves to the global settings stays empty here: the
 * caller fills it in when the whole file has been read.
 */
#ifndef CONFIG_MAPPING_H
#define CONFIG_MAPPING_H

#include "config.h"
#include "config_value.h"

/* Reader of the key; into is the struct config, whose list it extends. */
config_reader config_mapping_read_list;
/* Writes all of the struct config's mappings as the last of them. */
config_writer config_mapping_write_list;

/* One that begins at the setting and has nothing but the defaults. */
struct config_mapping *config_mapping_new(struct config_file *file, const config_setting_t *setting);
/* The list takes the mapping, or it is freed after its mistake was logged. */
void config_mapping_add(struct config *config, struct config_mapping *m, struct config_file *file,
    const config_setting_t *setting);
void config_mapping_free(struct config_mapping *m);

#endif
