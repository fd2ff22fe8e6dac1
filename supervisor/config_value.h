/* SPDX-License-Identifier: ISC */
/*
 * One setting of natter.cfg as a value of our own.  Each function returns 0,
 * or -1 after logging the mistake with file and line; *out is then as it was.
 */
#ifndef CONFIG_VALUE_H
#define CONFIG_VALUE_H

#include <pwd.h>

#include "config.h"
#include "config_file.h"

struct config_out;

typedef void config_reader(struct config_file *file, const config_setting_t *setting, void *into);
/* Writes the setting that key is in the configuration from; see config_write.h. */
typedef void config_writer(struct config_out *out, const char *key, const void *from);

/* A group's keys, up to one without a name. */
struct config_key {
	const char *name;
	config_reader *read;
	config_writer *write; /* NULL: config_write_keys never gets this table */
};

/* Gives each member of a group, in the file's order, to its key's reader, and
 * logs the unknown ones. */
int config_value_group(struct config_file *file, const config_setting_t *setting, const struct config_key *keys,
    void *into);

/* Gives each element of an array or a list, or a single value, to the reader. */
int config_value_each(struct config_file *file, const config_setting_t *setting, config_reader *read, void *into);

/* *out belongs to the file. */
int config_value_text(struct config_file *file, const config_setting_t *setting, const char **out);
/* A copy, replacing *out; "" is a value too. */
int config_value_string(struct config_file *file, const config_setting_t *setting, char **out);
/* The same made absolute; "" stays "". */
int config_value_path(struct config_file *file, const config_setting_t *setting, char **out);

/* "" is the way to say: none. *text becomes NULL. */
void config_value_drop_empty(char **text);

/* The account of that name, until the next call of getpwnam(3); NULL after logging that there is none. */
const struct passwd *config_value_account(struct config_file *file, const config_setting_t *setting,
    const char *name);

int config_value_number(struct config_file *file, const config_setting_t *setting, uint32_t min, uint32_t max,
    uint32_t *out);
/* Two numbers, the smaller one first, or one that is both. */
int config_value_range(struct config_file *file, const config_setting_t *setting, uint32_t min, uint32_t max,
    uint32_t *least, uint32_t *most);
int config_value_protocol(struct config_file *file, const config_setting_t *setting, enum protocol *out);

/* "ip:port", "ip", ":port", "port" or a number; without an address 0.0.0.0,
 * without a port 0. */
int config_value_bind(struct config_file *file, const config_setting_t *setting, struct addr *out);
/* "ip:port" */
int config_value_target(struct config_file *file, const config_setting_t *setting, struct addr *out);

/* A list of "host" or "host:port", or one of them.  *out was empty or is freed. */
int config_value_hosts(struct config_file *file, const config_setting_t *setting, uint16_t default_port,
    struct config_hosts *out);

#endif
