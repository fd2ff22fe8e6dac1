/* SPDX-License-Identifier: ISC */
/*
 * natter.cfg -> struct config; see config.h.  Here are the steps of it and the
 * defaults.  The config*.c files are all that knows libconfig.  They change
 * nothing on the system, and what a refused file said is forgotten.
 */
#include "config.h"

#include <bsd/string.h>
#include <pwd.h>
#include <stdlib.h>
#include <unistd.h>

#include "alloc.h"
#include "config_file.h"
#include "config_global.h"
#include "config_hook.h"
#include "config_hosts.h"
#include "config_mapping.h"
#include "config_relay.h"
#include "config_value.h"
#include "paths.h"

static void
default_path(char **path, const char *(*find)(char buf[PATH_MAX]))
{
	char buf[PATH_MAX];

	if (*path == NULL)
		*path = alloc_string(find(buf));
}

/* Whom workers become if the file names nobody. */
static void
default_user(struct config *config, struct config_file *file)
{
	const struct passwd *account = getpwnam("natter");

	if (config->user != NULL)
		return;
	if (account == NULL)
		account = getpwnam("nobody");
	config->user = alloc_string(account != NULL ? account->pw_name : "nobody");
	if (geteuid() != 0)
		return;
	if (account == NULL || account->pw_uid == 0) {
		config_file_mistake(file, NULL, "names no user, and there is neither an account natter nor nobody; "
		    "add user = \"ACCOUNT\" for the workers");
		return;
	}
	config->uid = account->pw_uid;
	config->gid = account->pw_gid;
}

static void
complete_global(struct config_global *global)
{
	struct config_hosts *stun = global->config->stun;
	int p;

	for (p = PROTOCOL_TCP; p <= PROTOCOL_UDP; p++)
		if (stun[p].count == 0) {
			config_hosts_free(&stun[p]);
			config_hosts_builtin_stun((enum protocol)p, &stun[p]);
		}
	if (global->keep_alive.count == 0) {
		config_hosts_free(&global->keep_alive);
		config_hosts_builtin_keep_alive(&global->keep_alive);
	}
	if (global->keep_alive_shortest == 0) {
		global->keep_alive_shortest = KEEP_ALIVE_SHORTEST_DEFAULT;
		global->keep_alive_longest = KEEP_ALIVE_LONGEST_DEFAULT;
	}
	if (global->stun_interval == 0)
		global->stun_interval = STUN_INTERVAL_DEFAULT;
	if (global->hook.timeout == 0)
		global->hook.timeout = HOOK_TIMEOUT_DEFAULT;
}

/* What the mapping left to the global settings. */
static void
complete_mapping(struct config_mapping *m, const struct config_global *global)
{
	struct mapping *mapping = &m->mapping;

	if (mapping->keep_alive_shortest == 0) {
		mapping->keep_alive_shortest = global->keep_alive_shortest;
		mapping->keep_alive_longest = global->keep_alive_longest;
	}
	if (mapping->stun_interval == 0)
		mapping->stun_interval = global->stun_interval;
	config_relay_complete(mapping);
	mapping->uid = global->config->uid;
	mapping->gid = global->config->gid;
	mapping->log_level = global->config->log_level;
	if (m->stun.count == 0) {
		config_hosts_free(&m->stun);
		config_hosts_copy(&global->config->stun[mapping->protocol], &m->stun);
	}
	if (m->keep_alive.count == 0) {
		config_hosts_free(&m->keep_alive);
		if (mapping->protocol == PROTOCOL_TCP)
			config_hosts_copy(&global->keep_alive, &m->keep_alive);
	}
	config_hook_complete(&m->hook, &global->hook);
}

static void
complete_paths(struct config *config)
{
	default_path(&config->control_socket, paths_control_socket);
	default_path(&config->pid_file, paths_pid_file);
	default_path(&config->state_dir, paths_state_dir);
	config_value_drop_empty(&config->log_file);
	config_value_drop_empty(&config->status_file);
}

static void
complete(struct config_global *global, struct config_file *file)
{
	struct config *config = global->config;
	struct config_mapping *m;

	default_user(config, file);
	complete_global(global);
	TAILQ_FOREACH(m, &config->mappings, entry)
		complete_mapping(m, global);
}

static struct config *
new_config(const struct config_file *file)
{
	struct config *config = alloc_zero(sizeof(*config));

	strlcpy(config->file, file->path, sizeof(config->file));
	strlcpy(config->directory, file->directory, sizeof(config->directory));
	config->log_level = LOG_LEVEL_INFO;
	config->uid = geteuid();
	config->gid = getegid();
	TAILQ_INIT(&config->mappings);
	return config;
}

static struct config *
refuse_mistakes(struct config *config, const struct config_file *file)
{
	if (file->mistakes == 0)
		return config;
	config_free(config);
	return NULL;
}

static void
write_all(const struct config_global *global, FILE *stream)
{
	struct config_out out = {.stream = stream};

	fputs("# Every setting of the configuration, with the defaults where it has none.\n", stream);
	config_global_write(&out, global);
}

/* stream NULL: without printing it. */
static struct config *
load(const char *name, FILE *stream)
{
	struct config_file file;
	struct config_global global = {0};

	if (config_file_open(&file, name) == 0) {
		global.config = new_config(&file);
		config_global_read(&file, &global);
		complete_paths(global.config);
		complete(&global, &file);
		if (stream != NULL && file.mistakes == 0)
			write_all(&global, stream);
		config_global_free(&global);
	}
	config_file_close(&file);
	return refuse_mistakes(global.config, &file);
}

struct config *
config_load(const char *name)
{
	return load(name, NULL);
}

int
config_print(const char *name, FILE *stream)
{
	struct config *config = load(name, stream);

	config_free(config);
	return config != NULL ? 0 : -1;
}

static void
free_mappings(struct config *config)
{
	struct config_mapping *m;

	while ((m = TAILQ_FIRST(&config->mappings)) != NULL) {
		TAILQ_REMOVE(&config->mappings, m, entry);
		config_mapping_free(m);
	}
	config->mapping_count = 0;
}

static void
free_paths(struct config *config)
{
	char **const paths[] = {&config->log_file, &config->status_file, &config->control_socket, &config->pid_file,
	    &config->state_dir};
	size_t i;

	for (i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		free(*paths[i]);
		*paths[i] = NULL;
	}
}

/* What a file says for a service is forgotten. */
static void
forget_service(struct config_global *global)
{
	free_mappings(global->config);
	free_paths(global->config);
	hook_settings_free(&global->hook);
}

static void
add_mapping(struct config *config, const struct mapping *mapping)
{
	struct config_mapping *m = alloc_zero(sizeof(*m));

	m->mapping = *mapping;
	TAILQ_INSERT_TAIL(&config->mappings, m, entry);
	config->mapping_count++;
}

struct config *
config_single(const char *name, const struct mapping *mapping)
{
	struct config_file file = {.name = "natterd", .path = "the command line", .directory = "/"};
	struct config_global global = {0};

	if (name == NULL || config_file_open(&file, name) == 0) {
		file.servers_only = true;
		global.config = new_config(&file);
		if (name != NULL)
			config_global_read(&file, &global);
		forget_service(&global);
		if (mapping != NULL)
			add_mapping(global.config, mapping);
		complete(&global, &file);
		config_global_free(&global);
	}
	if (name != NULL)
		config_file_close(&file);
	return refuse_mistakes(global.config, &file);
}

void
config_set_log_level(struct config *config, enum log_level level)
{
	struct config_mapping *m;

	config->log_level = level;
	TAILQ_FOREACH(m, &config->mappings, entry)
		m->mapping.log_level = level;
}

void
config_free(struct config *config)
{
	if (config == NULL)
		return;
	free_mappings(config);
	free_paths(config);
	config_hosts_free(&config->stun[PROTOCOL_TCP]);
	config_hosts_free(&config->stun[PROTOCOL_UDP]);
	free(config->user);
	free(config);
}
