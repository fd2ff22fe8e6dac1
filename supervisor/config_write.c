/* SPDX-License-Identifier: ISC */
/*
 * The keys' writers; see config_write.h.
 */
#include "config_write.h"

#include "config_global.h"
#include "config_hook.h"
#include "config_relay.h"
#include "config_syntax.h"

void
config_write_keys(struct config_out *out, const struct config_key *keys, const void *from)
{
	for (; keys->name != NULL; keys++) {
		if (keys->write == NULL)
			fatal("natterd: the setting %s cannot be printed: a bug in natterd", keys->name);
		keys->write(out, keys->name, from);
	}
}

void
config_write_group(struct config_out *out, const char *key, const struct config_key *keys, const void *from)
{
	config_syntax_open(out, key, "{");
	config_write_keys(out, keys, from);
	config_syntax_close(out, "};");
}

void
config_write_level(struct config_out *out, const char *key, const void *from)
{
	const struct config_global *global = from;

	config_syntax_text(out, key, log_level_name(global->config->log_level));
}

void
config_write_log_file(struct config_out *out, const char *key, const void *from)
{
	const struct config_global *global = from;

	config_syntax_text(out, key, global->config->log_file);
}

void
config_write_global_hook(struct config_out *out, const char *key, const void *from)
{
	const struct config_global *global = from;

	config_hook_write(out, key, &global->hook);
}

void
config_write_status_file(struct config_out *out, const char *key, const void *from)
{
	const struct config_global *global = from;

	config_syntax_text(out, key, global->config->status_file);
}

void
config_write_global_keep_alive(struct config_out *out, const char *key, const void *from)
{
	const struct config_global *global = from;

	config_syntax_hosts(out, key, &global->keep_alive);
}

void
config_write_global_keep_alive_interval(struct config_out *out, const char *key, const void *from)
{
	const struct config_global *global = from;

	config_syntax_range(out, key, global->keep_alive_shortest, global->keep_alive_longest);
}

void
config_write_stun_tcp(struct config_out *out, const char *key, const void *from)
{
	const struct config_global *global = from;

	config_syntax_hosts(out, key, &global->config->stun[PROTOCOL_TCP]);
}

void
config_write_stun_udp(struct config_out *out, const char *key, const void *from)
{
	const struct config_global *global = from;

	config_syntax_hosts(out, key, &global->config->stun[PROTOCOL_UDP]);
}

void
config_write_global_stun_interval(struct config_out *out, const char *key, const void *from)
{
	const struct config_global *global = from;

	config_syntax_number(out, key, global->stun_interval);
}

void
config_write_user(struct config_out *out, const char *key, const void *from)
{
	const struct config_global *global = from;

	config_syntax_text(out, key, global->config->user);
}

void
config_write_control_socket(struct config_out *out, const char *key, const void *from)
{
	const struct config_global *global = from;

	config_syntax_text(out, key, global->config->control_socket);
}

void
config_write_pid_file(struct config_out *out, const char *key, const void *from)
{
	const struct config_global *global = from;

	config_syntax_text(out, key, global->config->pid_file);
}

void
config_write_state_dir(struct config_out *out, const char *key, const void *from)
{
	const struct config_global *global = from;

	config_syntax_text(out, key, global->config->state_dir);
}

void
config_write_elsewhere(struct config_out *out, const char *key, const void *from)
{
	(void)from;
	config_syntax_comment(out, key, "each of its ports is in mappings, too");
}

void
config_write_name(struct config_out *out, const char *key, const void *from)
{
	const struct config_mapping *m = from;

	config_syntax_text(out, key, m->mapping.name);
}

void
config_write_protocol(struct config_out *out, const char *key, const void *from)
{
	const struct config_mapping *m = from;

	config_syntax_text(out, key, protocol_name(m->mapping.protocol));
}

void
config_write_bind(struct config_out *out, const char *key, const void *from)
{
	const struct addr *bound = &((const struct config_mapping *)from)->mapping.bind;
	char text[ADDR_TEXT_SIZE];

	config_syntax_text(out, key, addr_port(bound) != 0 ? addr_text(bound, text) : addr_ip_text(bound, text));
}

void
config_write_target(struct config_out *out, const char *key, const void *from)
{
	const struct addr *target = &((const struct config_mapping *)from)->mapping.target;
	char text[ADDR_TEXT_SIZE];

	if (addr_is_set(target))
		config_syntax_text(out, key, addr_text(target, text));
}

static bool
is_tcp(const struct config_mapping *m)
{
	return m->mapping.protocol == PROTOCOL_TCP;
}

void
config_write_keep_alive(struct config_out *out, const char *key, const void *from)
{
	const struct config_mapping *m = from;

	if (is_tcp(m))
		config_syntax_hosts(out, key, &m->keep_alive);
}

void
config_write_keep_alive_interval(struct config_out *out, const char *key, const void *from)
{
	const struct config_mapping *m = from;

	config_syntax_range(out, key, m->mapping.keep_alive_shortest, m->mapping.keep_alive_longest);
}

void
config_write_stun_server(struct config_out *out, const char *key, const void *from)
{
	const struct config_mapping *m = from;

	config_syntax_hosts(out, key, &m->stun);
}

void
config_write_stun_interval(struct config_out *out, const char *key, const void *from)
{
	const struct config_mapping *m = from;

	if (is_tcp(m))
		config_syntax_number(out, key, m->mapping.stun_interval);
}

void
config_write_relay(struct config_out *out, const char *key, const void *from)
{
	const struct config_mapping *m = from;

	config_relay_write(out, key, &m->mapping);
}

void
config_write_hook(struct config_out *out, const char *key, const void *from)
{
	const struct config_mapping *m = from;

	config_hook_write(out, key, &m->hook);
}
