/* SPDX-License-Identifier: ISC */
/*
 * How each key of natter.cfg is written: the counterparts of its readers, for the same
 * tables.  A writer writes what is in force when all defaults are filled in, under the
 * key that it is given, or nothing where natter.cfg could not have that key.
 */
#ifndef CONFIG_WRITE_H
#define CONFIG_WRITE_H

#include "config_value.h"

/* Writes every key of a table, or a group of them. */
void config_write_keys(struct config_out *out, const struct config_key *keys, const void *from);
void config_write_group(struct config_out *out, const char *key, const struct config_key *keys, const void *from);

/* from is a struct config_global. */
config_writer config_write_level;
config_writer config_write_log_file;
config_writer config_write_global_hook;
config_writer config_write_status_file;
config_writer config_write_global_keep_alive;
config_writer config_write_global_keep_alive_interval;
config_writer config_write_stun_tcp;
config_writer config_write_stun_udp;
config_writer config_write_global_stun_interval;
config_writer config_write_user;
config_writer config_write_control_socket;
config_writer config_write_pid_file;
config_writer config_write_state_dir;
/* Of open_port and forward_port: what they ask for is written as mappings. */
config_writer config_write_elsewhere;

/* from is a struct config_mapping. */
config_writer config_write_name;
config_writer config_write_protocol;
config_writer config_write_bind;
config_writer config_write_target;
config_writer config_write_keep_alive;
config_writer config_write_keep_alive_interval;
config_writer config_write_stun_server;
config_writer config_write_stun_interval;
config_writer config_write_relay;
config_writer config_write_hook;

#endif
