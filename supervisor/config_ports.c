/* SPDX-License-Identifier: ISC */
/*
 * Lists of ports in natter.cfg; see config_ports.h.
 */
#include "config_ports.h"

#include <string.h>

#include "config_mapping.h"
#include "config_write.h"

/* A list of addresses that all become mappings of one protocol. */
struct port_list {
	struct config *config;
	enum protocol protocol;
};

static void
read_open(struct config_file *file, const config_setting_t *setting, void *into)
{
	struct port_list *list = into;
	struct config_mapping *m = config_mapping_new(file, setting);

	m->mapping.protocol = list->protocol;
	if (config_value_bind(file, setting, &m->mapping.bind) < 0) {
		config_mapping_free(m);
		return;
	}
	if (addr_port(&m->mapping.bind) == 0) {
		config_file_mistake(file, setting, "names no port to open; write it as \"0.0.0.0:8080\"");
		config_mapping_free(m);
		return;
	}
	config_mapping_add(list->config, m, file, setting);
}

static void
read_forward(struct config_file *file, const config_setting_t *setting, void *into)
{
	struct port_list *list = into;
	struct config_mapping *m = config_mapping_new(file, setting);

	m->mapping.protocol = list->protocol;
	if (config_value_target(file, setting, &m->mapping.target) < 0)
		config_mapping_free(m);
	else
		config_mapping_add(list->config, m, file, setting);
}

/* The protocol's name is the key of the list. */
static void
read_ports(struct config_file *file, const config_setting_t *setting, struct config *config, config_reader *read)
{
	struct port_list list = {.config = config, .protocol = PROTOCOL_TCP};

	if (strcmp(config_setting_name(setting), protocol_name(PROTOCOL_UDP)) == 0)
		list.protocol = PROTOCOL_UDP;
	config_value_each(file, setting, read, &list);
}

static void
read_open_ports(struct config_file *file, const config_setting_t *setting, void *into)
{
	read_ports(file, setting, into, read_open);
}

static void
read_forward_ports(struct config_file *file, const config_setting_t *setting, void *into)
{
	read_ports(file, setting, into, read_forward);
}

/* Written as mappings: see config_write_elsewhere. */
static const struct config_key open_keys[] = {
    {"tcp", read_open_ports, NULL},
    {"udp", read_open_ports, NULL},
    {NULL, NULL, NULL},
};

static const struct config_key forward_keys[] = {
    {"tcp", read_forward_ports, NULL},
    {"udp", read_forward_ports, NULL},
    {NULL, NULL, NULL},
};

void
config_ports_read_open(struct config_file *file, const config_setting_t *setting, void *into)
{
	config_value_group(file, setting, open_keys, into);
}

void
config_ports_read_forward(struct config_file *file, const config_setting_t *setting, void *into)
{
	config_value_group(file, setting, forward_keys, into);
}
