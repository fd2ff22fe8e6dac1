/* SPDX-License-Identifier: ISC */
/*
 * Settings as values; see config_value.h.
 */
#include "config_value.h"

#include <bsd/string.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"

/* Longer words are no misspelt keys. */
#define WORD_MAX 31
/* So many wrong letters are still a slip of the finger. */
#define DISTANCE_MAX 2
#define KEY_LIST_SIZE 512

static unsigned int
least(unsigned int a, unsigned int b, unsigned int c)
{
	unsigned int d = a < b ? a : b;

	return d < c ? d : c;
}

/* How many letters must be changed, added or taken away to make b of a
 * (Levenshtein), row by row of the usual table. */
static unsigned int
word_distance(const char *a, const char *b)
{
	unsigned int row[WORD_MAX + 1], diagonal, above, i, j;

	if (strlen(a) > WORD_MAX || strlen(b) > WORD_MAX)
		return WORD_MAX;
	for (j = 0; b[j] != '\0'; j++)
		row[j] = j;
	row[j] = j;
	for (i = 0; a[i] != '\0'; i++) {
		diagonal = row[0];
		row[0] = i + 1;
		for (j = 0; b[j] != '\0'; j++) {
			above = row[j + 1];
			row[j + 1] = least(above + 1, row[j] + 1, diagonal + (a[i] != b[j]));
			diagonal = above;
		}
	}
	return row[strlen(b)];
}

static const char *
nearest_key(const struct config_key *keys, const char *word)
{
	unsigned int distance, best = DISTANCE_MAX + 1;
	const char *nearest = NULL;

	for (; keys->name != NULL; keys++) {
		distance = word_distance(word, keys->name);
		if (distance < best && distance < strlen(keys->name)) {
			best = distance;
			nearest = keys->name;
		}
	}
	return nearest;
}

static void
refuse_key(struct config_file *file, const config_setting_t *setting, const struct config_key *keys)
{
	const char *nearest = nearest_key(keys, config_setting_name(setting));
	char list[KEY_LIST_SIZE] = "";

	if (nearest != NULL) {
		config_file_mistake(file, setting, "unknown key; did you mean %s?", nearest);
		return;
	}
	for (; keys->name != NULL; keys++) {
		strlcat(list, list[0] != '\0' ? ", " : "", sizeof(list));
		strlcat(list, keys->name, sizeof(list));
	}
	config_file_mistake(file, setting, "unknown key; here belong %s", list);
}

static const struct config_key *
find_key(const struct config_key *keys, const char *name)
{
	for (; keys->name != NULL; keys++)
		if (strcmp(keys->name, name) == 0)
			return keys;
	return NULL;
}

int
config_value_group(struct config_file *file, const config_setting_t *setting, const struct config_key *keys,
    void *into)
{
	const struct config_key *key;
	const config_setting_t *member;
	unsigned int i, count, before = file->mistakes;

	if (!config_setting_is_group(setting)) {
		config_file_mistake(file, setting, "must be a group: { KEY = VALUE; ... }");
		return -1;
	}
	count = (unsigned int)config_setting_length(setting);
	for (i = 0; i < count; i++) {
		member = config_setting_get_elem(setting, i);
		key = find_key(keys, config_setting_name(member));
		if (key != NULL)
			key->read(file, member, into);
		else
			refuse_key(file, member, keys);
	}
	return file->mistakes == before ? 0 : -1;
}

int
config_value_each(struct config_file *file, const config_setting_t *setting, config_reader *read, void *into)
{
	unsigned int i, count, before = file->mistakes;

	if (config_setting_is_group(setting)) {
		config_file_mistake(file, setting, "must be a list: [ \"ONE\", \"ANOTHER\" ]");
	} else if (config_setting_is_aggregate(setting)) {
		count = (unsigned int)config_setting_length(setting);
		for (i = 0; i < count; i++)
			read(file, config_setting_get_elem(setting, i), into);
	} else {
		read(file, setting, into);
	}
	return file->mistakes == before ? 0 : -1;
}

int
config_value_text(struct config_file *file, const config_setting_t *setting, const char **out)
{
	if (config_setting_type(setting) != CONFIG_TYPE_STRING) {
		config_file_mistake(file, setting, "must be text; put it in double quotes");
		return -1;
	}
	*out = config_setting_get_string(setting);
	return 0;
}

int
config_value_string(struct config_file *file, const config_setting_t *setting, char **out)
{
	const char *text;

	if (config_value_text(file, setting, &text) < 0)
		return -1;
	free(*out);
	*out = alloc_string(text);
	return 0;
}

int
config_value_path(struct config_file *file, const config_setting_t *setting, char **out)
{
	const char *text;
	char path[PATH_MAX] = "";

	if (config_value_text(file, setting, &text) < 0)
		return -1;
	if (text[0] != '\0' && config_file_resolve(file, text, path) < 0) {
		config_file_mistake(file, setting, "the path is too long; shorten it");
		return -1;
	}
	free(*out);
	*out = alloc_string(path);
	return 0;
}

void
config_value_drop_empty(char **text)
{
	if (*text == NULL || (*text)[0] != '\0')
		return;
	free(*text);
	*text = NULL;
}

const struct passwd *
config_value_account(struct config_file *file, const config_setting_t *setting, const char *name)
{
	const struct passwd *account = getpwnam(name);

	if (account == NULL)
		config_file_mistake(file, setting, "there is no account \"%s\"; name one that exists", name);
	return account;
}

int
config_value_number(struct config_file *file, const config_setting_t *setting, uint32_t min, uint32_t max,
    uint32_t *out)
{
	long long value;

	if (config_setting_type(setting) != CONFIG_TYPE_INT && config_setting_type(setting) != CONFIG_TYPE_INT64) {
		config_file_mistake(file, setting, "must be a whole number without quotes, from %u to %u", min, max);
		return -1;
	}
	value = config_setting_get_int64(setting);
	if (value < min || value > max) {
		config_file_mistake(file, setting, "%lld is out of range; choose a number from %u to %u", value, min,
		    max);
		return -1;
	}
	*out = (uint32_t)value;
	return 0;
}

static int
two_numbers(struct config_file *file, const config_setting_t *setting, uint32_t min, uint32_t max, uint32_t out[2])
{
	int i, mistakes = 0;

	if (config_setting_is_group(setting) || config_setting_length(setting) != 2) {
		config_file_mistake(file, setting, "must be one whole number, or two, the smaller one first: [ %u, %u ]", min,
		    max);
		return -1;
	}
	for (i = 0; i < 2; i++)
		if (config_value_number(file, config_setting_get_elem(setting, (unsigned int)i), min, max, &out[i]) < 0)
			mistakes++;
	if (mistakes == 0 && out[0] > out[1]) {
		config_file_mistake(file, setting, "%u is more than %u; write the smaller one first", out[0], out[1]);
		mistakes++;
	}
	return mistakes == 0 ? 0 : -1;
}

int
config_value_range(struct config_file *file, const config_setting_t *setting, uint32_t min, uint32_t max,
    uint32_t *least, uint32_t *most)
{
	uint32_t numbers[2];

	if (config_setting_is_aggregate(setting)) {
		if (two_numbers(file, setting, min, max, numbers) < 0)
			return -1;
	} else {
		if (config_value_number(file, setting, min, max, &numbers[0]) < 0)
			return -1;
		numbers[1] = numbers[0];
	}
	*least = numbers[0];
	*most = numbers[1];
	return 0;
}

int
config_value_protocol(struct config_file *file, const config_setting_t *setting, enum protocol *out)
{
	const char *text;

	if (config_value_text(file, setting, &text) < 0)
		return -1;
	if (strcmp(text, protocol_name(PROTOCOL_TCP)) == 0) {
		*out = PROTOCOL_TCP;
		return 0;
	}
	if (strcmp(text, protocol_name(PROTOCOL_UDP)) == 0) {
		*out = PROTOCOL_UDP;
		return 0;
	}
	config_file_mistake(file, setting, "\"%s\" is no protocol; write \"tcp\" or \"udp\"", text);
	return -1;
}

static int
bind_number(struct config_file *file, const config_setting_t *setting, struct addr *out)
{
	uint32_t port;

	if (config_value_number(file, setting, 1, 65535, &port) < 0)
		return -1;
	addr_parse("0.0.0.0", (uint16_t)port, out);
	return 0;
}

int
config_value_bind(struct config_file *file, const config_setting_t *setting, struct addr *out)
{
	const char *text;

	if (config_setting_is_number(setting))
		return bind_number(file, setting, out);
	if (config_value_text(file, setting, &text) < 0)
		return -1;
	if (addr_parse_local(text, out) == 0)
		return 0;
	config_file_mistake(file, setting,
	    "\"%s\" is no address to bind; write it as \"192.168.1.2:8080\", \"192.168.1.2\", \"[2001:db8::2]:8080\" "
	    "or \"8080\", with a port from 1 to 65535", text);
	return -1;
}

int
config_value_target(struct config_file *file, const config_setting_t *setting, struct addr *out)
{
	const char *text;
	struct addr target;

	if (config_value_text(file, setting, &text) < 0)
		return -1;
	if (addr_parse(text, 0, &target) < 0 || addr_port(&target) == 0) {
		config_file_mistake(file, setting,
		    "\"%s\" is no address to forward to; write it as \"192.168.1.2:80\" or \"[2001:db8::2]:80\", with a "
		    "port from 1 to 65535", text);
		return -1;
	}
	*out = target;
	return 0;
}

struct host_list {
	struct config_hosts hosts;
	uint16_t default_port;
};

static void
read_host(struct config_file *file, const config_setting_t *setting, void *into)
{
	struct host_list *list = into;
	struct config_host *host = &list->hosts.list[list->hosts.count];
	const char *text;

	if (config_value_text(file, setting, &text) < 0)
		return;
	if (addr_split(text, list->default_port, host->host, &host->port) == 0)
		list->hosts.count++;
	else
		config_file_mistake(file, setting,
		    "\"%s\" is no server; write it as \"example.com\", \"example.com:%u\", \"192.0.2.1:%u\" or "
		    "\"[2001:db8::1]:%u\"", text, list->default_port, list->default_port, list->default_port);
}

int
config_value_hosts(struct config_file *file, const config_setting_t *setting, uint16_t default_port,
    struct config_hosts *out)
{
	struct host_list list = {.default_port = default_port};
	size_t count = config_setting_is_aggregate(setting) ? (size_t)config_setting_length(setting) : 1;

	if (count > SERVERS_MAX) {
		config_file_mistake(file, setting, "has %zu servers; name at most %d", count, SERVERS_MAX);
		return -1;
	}
	list.hosts.list = alloc_zero((count + 1) * sizeof(*list.hosts.list));
	if (config_value_each(file, setting, read_host, &list) < 0) {
		free(list.hosts.list);
		return -1;
	}
	free(out->list);
	*out = list.hosts;
	return 0;
}
