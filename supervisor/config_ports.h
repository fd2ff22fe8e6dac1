/* SPDX-License-Identifier: ISC */
/*
 * v0.9's open_port and forward_port: lists of addresses, each of which becomes a
 * mapping.
 */
#ifndef CONFIG_PORTS_H
#define CONFIG_PORTS_H

#include "config_value.h"

/* Readers of the two keys; into is the struct config, whose list they extend. */
config_reader config_ports_read_open;
config_reader config_ports_read_forward;

#endif
