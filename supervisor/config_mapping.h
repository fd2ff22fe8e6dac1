/* SPDX-License-Identifier: ISC */
/*
 * The mappings of natter.cfg: v0.9's open_port and forward_port, and the list
 * "mappings".  What a mapping leaves to the global settings stays empty here:
 * the caller fills it in when the whole file has been read.
 */
#ifndef CONFIG_MAPPING_H
#define CONFIG_MAPPING_H

#include "config.h"
#include "config_value.h"

/* Readers of the three keys; into is the struct config, whose list they extend. */
config_reader config_mapping_read_open;
config_reader config_mapping_read_forward;
config_reader config_mapping_read_list;
/* Writes all of the struct config's mappings as the last of them. */
config_writer config_mapping_write_list;

void config_mapping_free(struct config_mapping *m);

#endif
