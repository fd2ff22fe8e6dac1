/* SPDX-License-Identifier: ISC */
/*
 * The mappings of natter.cfg; see config_mapping.h.  Nothing enters the list
 * that would get in the way of another mapping in it.
 */
#include "config_mapping.h"

#include <bsd/string.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "config_hook.h"
#include "config_hosts.h"
#include "config_relay.h"
#include "config_syntax.h"
#include "config_write.h"

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

struct config_mapping *
config_mapping_new(struct config_file *file, const config_setting_t *setting)
{
	struct config_mapping *m = alloc_zero(sizeof(*m));

	m->line = config_file_line(file, setting);
	m->hook.retry = HOOK_RETRY_UNSET;
	addr_parse("0.0.0.0", 0, &m->mapping.bind);
	return m;
}

void
config_mapping_free(struct config_mapping *m)
{
	config_hosts_free(&m->stun);
	config_hosts_free(&m->keep_alive);
	hook_settings_free(&m->hook);
	free(m);
}

static bool
forwards_to_itself(const struct mapping *m)
{
	if (!addr_is_set(&m->target) || addr_port(&m->target) != addr_port(&m->bind))
		return false;
	return addr_same_ip(&m->target, &m->bind) || addr_is_wildcard(&m->target) ||
	    (addr_is_wildcard(&m->bind) && addr_is_loopback(&m->target));
}

static const config_setting_t *
member_or_self(const config_setting_t *setting, const char *name)
{
	const config_setting_t *member = NULL;

	if (config_setting_is_group(setting))
		member = config_setting_get_member(setting, name);
	return member != NULL ? member : setting;
}

/* Does another mapping already have the port or the name? */
static int
check_others(const struct config *config, const struct config_mapping *m, struct config_file *file,
    const config_setting_t *setting)
{
	const struct config_mapping *other;
	const struct mapping *mapping = &m->mapping;
	const config_setting_t *name = member_or_self(setting, "name");

	TAILQ_FOREACH(other, &config->mappings, entry) {
		if (mapping_binds_collide(mapping, &other->mapping)) {
			config_file_mistake(file, member_or_self(setting, "bind"),
			    "%s port %u already belongs to %s (line %d); choose another port or take one away",
			    protocol_name(mapping->protocol), addr_port(&mapping->bind), other->mapping.name,
			    other->line);
			return -1;
		}
		if (strcmp(mapping->name, other->mapping.name) != 0)
			continue;
		if (name != setting)
			config_file_mistake(file, name, "the name %s is already taken (line %d); choose another",
			    mapping->name, other->line);
		else
			config_file_mistake(file, setting,
			    "%s is here for the second time (line %d); take one away or give it a name in mappings",
			    mapping->name, other->line);
		return -1;
	}
	return 0;
}

void
config_mapping_add(struct config *config, struct config_mapping *m, struct config_file *file,
    const config_setting_t *setting)
{
	if (m->mapping.name[0] == '\0')
		mapping_derive_name(&m->mapping);
	if (check_others(config, m, file, setting) < 0) {
		config_mapping_free(m);
		return;
	}
	TAILQ_INSERT_TAIL(&config->mappings, m, entry);
	config->mapping_count++;
}

static void
read_name(struct config_file *file, const config_setting_t *setting, void *into)
{
	struct config_mapping *m = into;
	const char *name;

	if (config_value_text(file, setting, &name) < 0)
		return;
	/* It reaches shells in hooks, so nothing in it may need quoting. */
	if (name[0] == '\0' || strchr(LETTERS, name[0]) == NULL || name[strspn(name, LETTERS "._:-")] != '\0' ||
	    strlcpy(m->mapping.name, name, sizeof(m->mapping.name)) >= sizeof(m->mapping.name))
		config_file_mistake(file, setting,
		    "\"%s\" is no name; take at most %d letters, digits and . _ : -, a letter or digit first", name,
		    MAPPING_NAME_SIZE - 1);
}

static void
read_protocol(struct config_file *file, const config_setting_t *setting, void *into)
{
	struct config_mapping *m = into;
	enum protocol protocol;

	if (config_value_protocol(file, setting, &protocol) == 0)
		m->mapping.protocol = protocol;
}

static void
read_bind(struct config_file *file, const config_setting_t *setting, void *into)
{
	struct config_mapping *m = into;

	config_value_bind(file, setting, &m->mapping.bind);
}

static void
read_target(struct config_file *file, const config_setting_t *setting, void *into)
{
	struct config_mapping *m = into;

	config_value_target(file, setting, &m->mapping.target);
}

static void
read_keep_alive(struct config_file *file, const config_setting_t *setting, void *into)
{
	struct config_mapping *m = into;

	config_value_hosts(file, setting, CONFIG_HOSTS_KEEP_ALIVE_PORT, &m->keep_alive);
}

static void
read_keep_alive_interval(struct config_file *file, const config_setting_t *setting, void *into)
{
	struct config_mapping *m = into;

	config_value_range(file, setting, KEEP_ALIVE_INTERVAL_MIN, KEEP_ALIVE_INTERVAL_MAX,
	    &m->mapping.keep_alive_shortest, &m->mapping.keep_alive_longest);
}

static void
read_stun_interval(struct config_file *file, const config_setting_t *setting, void *into)
{
	struct config_mapping *m = into;

	config_value_number(file, setting, STUN_INTERVAL_MIN, STUN_INTERVAL_MAX, &m->mapping.stun_interval);
}

static void
read_stun_server(struct config_file *file, const config_setting_t *setting, void *into)
{
	struct config_mapping *m = into;

	config_value_hosts(file, setting, CONFIG_HOSTS_STUN_PORT, &m->stun);
}

static void
read_relay(struct config_file *file, const config_setting_t *setting, void *into)
{
	struct config_mapping *m = into;

	config_relay_read(file, setting, &m->mapping);
}

static void
read_hook(struct config_file *file, const config_setting_t *setting, void *into)
{
	struct config_mapping *m = into;

	config_hook_read(file, setting, &m->hook);
}

static const struct config_key mapping_keys[] = {
    {"name", read_name, config_write_name},
    {"protocol", read_protocol, config_write_protocol},
    {"bind", read_bind, config_write_bind},
    {"target", read_target, config_write_target},
    {"keep_alive", read_keep_alive, config_write_keep_alive},
    {"keep_alive_interval", read_keep_alive_interval, config_write_keep_alive_interval},
    {"stun_server", read_stun_server, config_write_stun_server},
    {"stun_interval", read_stun_interval, config_write_stun_interval},
    {"udp_timeout", read_relay, config_write_relay},
    {"tcp_timeout", read_relay, config_write_relay},
    {"tcp_keepalive", read_relay, config_write_relay},
    {"congestion_control", read_relay, config_write_relay},
    {"connect_timeout", read_relay, config_write_relay},
    {"max_connections", read_relay, config_write_relay},
    {"max_udp_sessions", read_relay, config_write_relay},
    {"max_connections_per_client", read_relay, config_write_relay},
    {"allow", read_relay, config_write_relay},
    {"deny", read_relay, config_write_relay},
    {"hook", read_hook, config_write_hook},
    {"hook_user", read_hook, config_write_hook},
    {"hook_timeout", read_hook, config_write_hook},
    {"hook_retry", read_hook, config_write_hook},
    {NULL, NULL, NULL},
};

/* What the keys say together: each was right by itself. */
static void
check_together(struct config_file *file, const config_setting_t *group, const struct config_mapping *m)
{
	const config_setting_t *keep_alive = config_setting_get_member(group, "keep_alive");
	const config_setting_t *stun_interval = config_setting_get_member(group, "stun_interval");
	bool udp = m->mapping.protocol == PROTOCOL_UDP, relays = addr_is_set(&m->mapping.target);

	if (config_setting_get_member(group, "protocol") == NULL) {
		config_file_mistake(file, group, "names no protocol; add protocol = \"tcp\" or protocol = \"udp\"");
		return;
	}
	if (!relays && addr_port(&m->mapping.bind) == 0)
		config_file_mistake(file, group,
		    "has neither a target nor a port; add target = \"IP:PORT\" to forward to, or bind = \"IP:PORT\" "
		    "for a program that has this port itself");
	if (forwards_to_itself(&m->mapping))
		config_file_mistake(file, member_or_self(group, "target"),
		    "is the mapping's own port; choose another port for bind");
	if (keep_alive != NULL && udp)
		config_file_mistake(file, keep_alive,
		    "is for tcp only, since a udp mapping is kept alive by its STUN servers; take it away");
	if (stun_interval != NULL && udp)
		config_file_mistake(file, stun_interval,
		    "is for tcp only, since a udp mapping asks its STUN servers to be kept alive; take it away");
	config_relay_check(file, group, &m->mapping);
}

static void
read_mapping(struct config_file *file, const config_setting_t *setting, void *into)
{
	struct config_mapping *m = config_mapping_new(file, setting);
	unsigned int before = file->mistakes;

	if (config_value_group(file, setting, mapping_keys, m) == 0)
		check_together(file, setting, m);
	if (file->mistakes == before)
		config_mapping_add(into, m, file, setting);
	else
		config_mapping_free(m);
}

void
config_mapping_read_list(struct config_file *file, const config_setting_t *setting, void *into)
{
	if (config_setting_is_list(setting))
		config_value_each(file, setting, read_mapping, into);
	else
		config_file_mistake(file, setting, "must be a list of groups: ( { protocol = \"tcp\"; ... }, { ... } )");
}

/* A list takes no comma behind its last element. */
void
config_mapping_write_list(struct config_out *out, const char *key, const void *from)
{
	const struct config *config = from;
	const struct config_mapping *m;

	config_syntax_open(out, key, "(");
	TAILQ_FOREACH(m, &config->mappings, entry) {
		config_syntax_open(out, NULL, "{");
		config_write_keys(out, mapping_keys, m);
		config_syntax_close(out, TAILQ_NEXT(m, entry) != NULL ? "}," : "}");
	}
	config_syntax_close(out, ");");
}
