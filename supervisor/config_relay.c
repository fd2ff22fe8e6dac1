/* SPDX-License-Identifier: ISC */
/*
 * The settings of what is relayed; see config_relay.h.
 */
#include "config_relay.h"

#include <bsd/string.h>
#include <errno.h>
#include <string.h>

#define CONGESTION_CONTROL_LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"

static void
read_udp_timeout(struct config_file *file, const config_setting_t *setting, void *into)
{
	struct mapping *m = into;

	config_value_number(file, setting, UDP_TIMEOUT_MIN, UDP_TIMEOUT_MAX, &m->udp_timeout);
}

static void
write_udp_timeout(struct config_out *out, const char *key, const void *from)
{
	const struct mapping *m = from;

	config_syntax_number(out, key, m->udp_timeout);
}

static void
read_tcp_timeout(struct config_file *file, const config_setting_t *setting, void *into)
{
	struct mapping *m = into;

	config_value_number(file, setting, 0, TCP_TIMEOUT_MAX, &m->tcp_timeout);
}

static void
write_tcp_timeout(struct config_out *out, const char *key, const void *from)
{
	const struct mapping *m = from;

	config_syntax_number(out, key, m->tcp_timeout);
}

static void
read_tcp_keepalive(struct config_file *file, const config_setting_t *setting, void *into)
{
	uint32_t *seconds = &((struct mapping *)into)->tcp_keepalive;

	if (config_value_number(file, setting, 0, TCP_KEEPALIVE_MAX, seconds) == 0 && *seconds == 0)
		*seconds = TCP_KEEPALIVE_OFF;
}

/* The system's number, which may be another one tomorrow, is only had by leaving the key out. */
static void
write_tcp_keepalive(struct config_out *out, const char *key, const void *from)
{
	uint32_t seconds = ((const struct mapping *)from)->tcp_keepalive;

	if (seconds == 0)
		config_syntax_comment(out, key, "the system's (sysctl net.ipv4.tcp_keepalive_time)");
	else
		config_syntax_number(out, key, seconds == TCP_KEEPALIVE_OFF ? 0 : seconds);
}

/* Whether there is such a thing is up to the kernel on the day. */
static void
read_congestion_control(struct config_file *file, const config_setting_t *setting, void *into)
{
	struct mapping *m = into;
	const char *name;

	if (config_value_text(file, setting, &name) < 0)
		return;
	if (strlen(name) >= CONGESTION_CONTROL_SIZE || strspn(name, CONGESTION_CONTROL_LETTERS) != strlen(name))
		config_file_mistake(file, setting,
		    "\"%s\" is not the name of a congestion control; take one of those that sysctl "
		    "net.ipv4.tcp_available_congestion_control prints, such as \"cubic\"",
		    name);
	else
		strlcpy(m->congestion_control, name, CONGESTION_CONTROL_SIZE);
}

static void
write_congestion_control(struct config_out *out, const char *key, const void *from)
{
	const struct mapping *m = from;

	config_syntax_text(out, key, m->congestion_control);
}

static void
read_connect_timeout(struct config_file *file, const config_setting_t *setting, void *into)
{
	struct mapping *m = into;

	config_value_number(file, setting, CONNECT_TIMEOUT_MIN, CONNECT_TIMEOUT_MAX, &m->connect_timeout);
}

static void
write_connect_timeout(struct config_out *out, const char *key, const void *from)
{
	const struct mapping *m = from;

	config_syntax_number(out, key, m->connect_timeout);
}

static void
read_max_connections(struct config_file *file, const config_setting_t *setting, void *into)
{
	struct mapping *m = into;

	config_value_number(file, setting, 1, CONNECTIONS_MOST, &m->max_connections);
}

static void
write_max_connections(struct config_out *out, const char *key, const void *from)
{
	const struct mapping *m = from;

	config_syntax_number(out, key, m->max_connections);
}

static void
read_max_udp_sessions(struct config_file *file, const config_setting_t *setting, void *into)
{
	struct mapping *m = into;

	config_value_number(file, setting, 1, UDP_SESSIONS_MOST, &m->max_udp_sessions);
}

static void
write_max_udp_sessions(struct config_out *out, const char *key, const void *from)
{
	const struct mapping *m = from;

	config_syntax_number(out, key, m->max_udp_sessions);
}

static void
read_max_per_client(struct config_file *file, const config_setting_t *setting, void *into)
{
	struct mapping *m = into;

	config_value_number(file, setting, 0, CONNECTIONS_MOST, &m->max_per_client);
}

static void
write_max_per_client(struct config_out *out, const char *key, const void *from)
{
	const struct mapping *m = from;

	config_syntax_number(out, key, m->max_per_client);
}

static void
read_network(struct config_file *file, const config_setting_t *setting, void *into)
{
	struct networks *all = into;
	struct network n;
	char inside[NETWORK_TEXT_SIZE];
	const char *text;

	if (config_value_text(file, setting, &text) < 0)
		return;
	if (network_parse(text, &n) == 0)
		all->list[all->count++] = n;
	else if (errno == ERANGE)
		config_file_mistake(file, setting,
		    "\"%s\" is an address in a network, not a network; write \"%s\" for the network, or \"%.*s\" for the "
		    "address alone",
		    text, network_text(&n, inside), (int)strcspn(text, "/"), text);
	else
		config_file_mistake(file, setting,
		    "\"%s\" is no network; write it as \"192.0.2.0/24\" or \"2001:db8::/32\", or an address alone as "
		    "\"192.0.2.1\"",
		    text);
}

static int
read_networks(struct config_file *file, const config_setting_t *setting, struct networks *out)
{
	struct networks all = {0};
	int count = config_setting_is_aggregate(setting) ? config_setting_length(setting) : 1;

	if (count > NETWORKS_MAX) {
		config_file_mistake(file, setting, "has %d networks; name at most %d, larger ones if need be", count,
		    NETWORKS_MAX);
		return -1;
	}
	if (config_value_each(file, setting, read_network, &all) < 0)
		return -1;
	*out = all;
	return 0;
}

/* Whether nobody or everybody is meant is too large a difference to guess. */
static void
read_allow(struct config_file *file, const config_setting_t *setting, void *into)
{
	struct mapping *m = into;

	if (read_networks(file, setting, &m->allow) == 0 && m->allow.count == 0)
		config_file_mistake(file, setting, "names nobody; name networks, or take the key away to let everybody in");
}

static void
write_allow(struct config_out *out, const char *key, const void *from)
{
	const struct mapping *m = from;

	if (m->allow.count == 0)
		config_syntax_comment(out, key, "everybody");
	else
		config_syntax_networks(out, key, &m->allow);
}

static void
read_deny(struct config_file *file, const config_setting_t *setting, void *into)
{
	struct mapping *m = into;

	(void)read_networks(file, setting, &m->deny);
}

static void
write_deny(struct config_out *out, const char *key, const void *from)
{
	const struct mapping *m = from;

	config_syntax_networks(out, key, &m->deny);
}

#define BOTH UINT32_MAX

/* from and into are a struct mapping. */
static const struct relay_key {
	struct config_key key;
	uint32_t protocol; /* enum protocol, or BOTH */
} relay_keys[] = {
    {{"udp_timeout", read_udp_timeout, write_udp_timeout}, PROTOCOL_UDP},
    {{"tcp_timeout", read_tcp_timeout, write_tcp_timeout}, PROTOCOL_TCP},
    {{"tcp_keepalive", read_tcp_keepalive, write_tcp_keepalive}, PROTOCOL_TCP},
    {{"congestion_control", read_congestion_control, write_congestion_control}, PROTOCOL_TCP},
    {{"connect_timeout", read_connect_timeout, write_connect_timeout}, PROTOCOL_TCP},
    {{"max_connections", read_max_connections, write_max_connections}, PROTOCOL_TCP},
    {{"max_udp_sessions", read_max_udp_sessions, write_max_udp_sessions}, PROTOCOL_UDP},
    {{"max_connections_per_client", read_max_per_client, write_max_per_client}, BOTH},
    {{"allow", read_allow, write_allow}, BOTH},
    {{"deny", read_deny, write_deny}, BOTH},
};

#define KEY_COUNT (sizeof(relay_keys) / sizeof(relay_keys[0]))

/* The one of that name, which is one of them. */
static const struct relay_key *
find_key(const char *name)
{
	const struct relay_key *key = relay_keys;

	while (strcmp(key->key.name, name) != 0)
		key++;
	return key;
}

static bool
may_have(const struct mapping *m, const struct relay_key *key)
{
	return addr_is_set(&m->target) && (key->protocol == BOTH || key->protocol == m->protocol);
}

void
config_relay_read(struct config_file *file, const config_setting_t *setting, struct mapping *m)
{
	find_key(config_setting_name(setting))->key.read(file, setting, m);
}

void
config_relay_write(struct config_out *out, const char *key, const struct mapping *m)
{
	const struct relay_key *found = find_key(key);

	if (may_have(m, found))
		found->key.write(out, key, m);
}

/* Clients come over the IP version of bind alone, and no network of the other one has any of them in it. */
static void
check_allow(struct config_file *file, const config_setting_t *group, const struct mapping *m)
{
	bool is_v4 = m->bind.sa.sa_family == AF_INET;
	const char *version = is_v4 ? "IPv4" : "IPv6";
	uint32_t i;

	for (i = 0; i < m->allow.count; i++)
		if (m->allow.list[i].family == m->bind.sa.sa_family)
			return;
	if (m->allow.count > 0)
		config_file_mistake(file, config_setting_get_member(group, "allow"),
		    "names nobody, since all clients of an %s port have %s addresses; name networks of these, such as \"%s\"",
		    version, version, is_v4 ? "192.0.2.0/24" : "2001:db8::/32");
}

void
config_relay_check(struct config_file *file, const config_setting_t *group, const struct mapping *m)
{
	const struct relay_key *key;
	const config_setting_t *setting;

	for (key = relay_keys; key < relay_keys + KEY_COUNT; key++) {
		setting = config_setting_get_member(group, key->key.name);
		if (setting == NULL || may_have(m, key))
			continue;
		if (key->protocol == BOTH)
			config_file_mistake(file, setting, "is for a mapping with a target; take it away");
		else
			config_file_mistake(file, setting, "is for a %s mapping with a target; take it away",
			    protocol_name((enum protocol)key->protocol));
	}
	if (addr_is_set(&m->target))
		check_allow(file, group, m);
}

static void
complete(uint32_t *setting, uint32_t number)
{
	if (*setting == 0)
		*setting = number;
}

void
config_relay_complete(struct mapping *m)
{
	complete(&m->udp_timeout, UDP_TIMEOUT_DEFAULT);
	complete(&m->connect_timeout, CONNECT_TIMEOUT_DEFAULT);
	complete(&m->max_connections, CONNECTIONS_DEFAULT);
	complete(&m->max_udp_sessions, UDP_SESSIONS_DEFAULT);
}
