/* SPDX-License-Identifier: ISC */
/*
 * The global settings; see config_global.h.
 */
#include "config_global.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "config_hook.h"
#include "config_hosts.h"
#include "config_mapping.h"
#include "config_ports.h"
#include "config_value.h"
#include "config_write.h"

#define SOCKET_PATH_MAX (sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1)

static void
read_level(struct config_file *file, const config_setting_t *setting, void *into)
{
	struct config_global *global = into;
	const char *name;
	int level;

	if (config_value_text(file, setting, &name) < 0)
		return;
	level = log_level_find(name);
	if (level >= 0)
		global->config->log_level = (enum log_level)level;
	else
		config_file_mistake(file, setting,
		    "\"%s\" is no level; choose \"debug\", \"info\", \"warning\", \"error\" or \"critical\"", name);
}

static void
read_log_file(struct config_file *file, const config_setting_t *setting, void *into)
{
	struct config_global *global = into;

	config_value_path(file, setting, &global->config->log_file);
}

static const struct config_key logging_keys[] = {
    {"level", read_level, config_write_level},
    {"log_file", read_log_file, config_write_log_file},
    {NULL, NULL, NULL},
};

static void
read_logging(struct config_file *file, const config_setting_t *setting, void *into)
{
	config_value_group(file, setting, logging_keys, into);
}

static void
write_logging(struct config_out *out, const char *key, const void *from)
{
	config_write_group(out, key, logging_keys, from);
}

static void
read_hook(struct config_file *file, const config_setting_t *setting, void *into)
{
	struct config_global *global = into;

	config_hook_read(file, setting, &global->hook);
}

static void
read_status_file(struct config_file *file, const config_setting_t *setting, void *into)
{
	struct config_global *global = into;

	config_value_path(file, setting, &global->config->status_file);
}

static const struct config_key status_report_keys[] = {
    {"hook", read_hook, config_write_global_hook},
    {"hook_user", read_hook, config_write_global_hook},
    {"hook_timeout", read_hook, config_write_global_hook},
    {"hook_retry", read_hook, config_write_global_hook},
    {"status_file", read_status_file, config_write_status_file},
    {NULL, NULL, NULL},
};

static void
read_status_report(struct config_file *file, const config_setting_t *setting, void *into)
{
	config_value_group(file, setting, status_report_keys, into);
}

static void
write_status_report(struct config_out *out, const char *key, const void *from)
{
	config_write_group(out, key, status_report_keys, from);
}

static void
read_open_port(struct config_file *file, const config_setting_t *setting, void *into)
{
	config_ports_read_open(file, setting, ((struct config_global *)into)->config);
}

static void
read_forward_port(struct config_file *file, const config_setting_t *setting, void *into)
{
	config_ports_read_forward(file, setting, ((struct config_global *)into)->config);
}

static void
read_mappings(struct config_file *file, const config_setting_t *setting, void *into)
{
	config_mapping_read_list(file, setting, ((struct config_global *)into)->config);
}

static void
write_mappings(struct config_out *out, const char *key, const void *from)
{
	config_mapping_write_list(out, key, ((const struct config_global *)from)->config);
}

static void
read_stun_tcp(struct config_file *file, const config_setting_t *setting, void *into)
{
	struct config_global *global = into;

	config_value_hosts(file, setting, CONFIG_HOSTS_STUN_PORT, &global->config->stun[PROTOCOL_TCP]);
}

static void
read_stun_udp(struct config_file *file, const config_setting_t *setting, void *into)
{
	struct config_global *global = into;

	config_value_hosts(file, setting, CONFIG_HOSTS_STUN_PORT, &global->config->stun[PROTOCOL_UDP]);
}

static const struct config_key stun_server_keys[] = {
    {"tcp", read_stun_tcp, config_write_stun_tcp},
    {"udp", read_stun_udp, config_write_stun_udp},
    {NULL, NULL, NULL},
};

static void
read_stun_server(struct config_file *file, const config_setting_t *setting, void *into)
{
	config_value_group(file, setting, stun_server_keys, into);
}

static void
write_stun_server(struct config_out *out, const char *key, const void *from)
{
	config_write_group(out, key, stun_server_keys, from);
}

static void
read_keep_alive(struct config_file *file, const config_setting_t *setting, void *into)
{
	struct config_global *global = into;

	config_value_hosts(file, setting, CONFIG_HOSTS_KEEP_ALIVE_PORT, &global->keep_alive);
}

static void
read_keep_alive_interval(struct config_file *file, const config_setting_t *setting, void *into)
{
	struct config_global *global = into;

	config_value_range(file, setting, KEEP_ALIVE_INTERVAL_MIN, KEEP_ALIVE_INTERVAL_MAX,
	    &global->keep_alive_shortest, &global->keep_alive_longest);
}

static void
read_stun_interval(struct config_file *file, const config_setting_t *setting, void *into)
{
	struct config_global *global = into;

	config_value_number(file, setting, STUN_INTERVAL_MIN, STUN_INTERVAL_MAX, &global->stun_interval);
}

/* An account matters to root alone: nobody else can change to it. */
static void
read_user(struct config_file *file, const config_setting_t *setting, void *into)
{
	struct config *config = ((struct config_global *)into)->config;
	const struct passwd *account;

	if (config_value_string(file, setting, &config->user) < 0 || geteuid() != 0)
		return;
	account = config_value_account(file, setting, config->user);
	if (account == NULL)
		return;
	if (account->pw_uid == 0) {
		config_file_mistake(file, setting, "%s may do everything, and workers need nothing; name another",
		    config->user);
	} else {
		config->uid = account->pw_uid;
		config->gid = account->pw_gid;
	}
}

/* For files that natterd cannot be without. */
static void
read_needed_path(struct config_file *file, const config_setting_t *setting, char **out)
{
	if (config_value_path(file, setting, out) == 0 && (*out)[0] == '\0')
		config_file_mistake(file, setting, "is empty; name a path, or take the key away for the default");
}

static void
read_control_socket(struct config_file *file, const config_setting_t *setting, void *into)
{
	char **path = &((struct config_global *)into)->config->control_socket;

	read_needed_path(file, setting, path);
	if (*path != NULL && strlen(*path) > SOCKET_PATH_MAX)
		config_file_mistake(file, setting, "%s is longer than a socket's path may be, %zu letters; shorten it",
		    *path, SOCKET_PATH_MAX);
}

static void
read_pid_file(struct config_file *file, const config_setting_t *setting, void *into)
{
	read_needed_path(file, setting, &((struct config_global *)into)->config->pid_file);
}

static void
read_state_dir(struct config_file *file, const config_setting_t *setting, void *into)
{
	read_needed_path(file, setting, &((struct config_global *)into)->config->state_dir);
}

static const struct config_key global_keys[] = {
    {"logging", read_logging, write_logging},
    {"status_report", read_status_report, write_status_report},
    {"open_port", read_open_port, config_write_elsewhere},
    {"forward_port", read_forward_port, config_write_elsewhere},
    {"mappings", read_mappings, write_mappings},
    {"stun_server", read_stun_server, write_stun_server},
    {"keep_alive", read_keep_alive, config_write_global_keep_alive},
    {"keep_alive_interval", read_keep_alive_interval, config_write_global_keep_alive_interval},
    {"stun_interval", read_stun_interval, config_write_global_stun_interval},
    {"user", read_user, config_write_user},
    {"control_socket", read_control_socket, config_write_control_socket},
    {"pid_file", read_pid_file, config_write_pid_file},
    {"state_dir", read_state_dir, config_write_state_dir},
    {NULL, NULL, NULL},
};

void
config_global_read(struct config_file *file, struct config_global *global)
{
	config_value_group(file, config_root_setting(&file->parsed), global_keys, global);
}

void
config_global_write(struct config_out *out, const struct config_global *global)
{
	config_write_keys(out, global_keys, global);
}

void
config_global_free(struct config_global *global)
{
	config_hosts_free(&global->keep_alive);
	hook_settings_free(&global->hook);
}
