/* SPDX-License-Identifier: ISC */
/*
 * config_describe: a configuration as natterd understood it, for people.  Does
 * not print hooks, which may hold passwords: users show this text to others.
 */
#include <stdio.h>
#include <string.h>

#include "config.h"

enum column {
	COLUMN_NAME,
	COLUMN_PROTOCOL,
	COLUMN_BIND,
	COLUMN_TARGET,
	COLUMN_INTERVAL,
	COLUMN_TIMEOUT,
	COLUMN_HOOK,
	COLUMN_COUNT
};

static const char *const titles[COLUMN_COUNT] = {
    [COLUMN_NAME] = "NAME",
    [COLUMN_PROTOCOL] = "PROTOCOL",
    [COLUMN_BIND] = "BIND",
    [COLUMN_TARGET] = "TARGET",
    [COLUMN_INTERVAL] = "INTERVAL",
    [COLUMN_TIMEOUT] = "TIMEOUT",
    [COLUMN_HOOK] = "HOOK",
};

#define CELL_SIZE 80

struct row {
	char cells[COLUMN_COUNT][CELL_SIZE];
};

/* Whatever is not as usual is said. */
static void
fill_hook(char cell[CELL_SIZE], const struct hook_settings *hook)
{
	char user[40] = "", timeout[16] = "", retry[24] = "";

	if (hook->user != NULL)
		snprintf(user, sizeof(user), " as %s", hook->user);
	if (hook->timeout != HOOK_TIMEOUT_DEFAULT)
		snprintf(timeout, sizeof(timeout), ", %u s", hook->timeout);
	if (hook->retry != 0)
		snprintf(retry, sizeof(retry), ", retry %u", hook->retry);
	if (hook->command == NULL)
		snprintf(cell, CELL_SIZE, "no");
	else
		snprintf(cell, CELL_SIZE, "yes%s%s%s", user, timeout, retry);
}

static void
fill_row(struct row *row, const struct config_mapping *m)
{
	const struct mapping *mapping = &m->mapping;
	char text[ADDR_TEXT_SIZE];
	bool relays = addr_is_set(&mapping->target);
	uint32_t timeout;

	snprintf(row->cells[COLUMN_NAME], CELL_SIZE, "%s", mapping->name);
	snprintf(row->cells[COLUMN_PROTOCOL], CELL_SIZE, "%s", protocol_name(mapping->protocol));
	addr_text(&mapping->bind, text);
	if (addr_port(&mapping->bind) == 0)
		snprintf(row->cells[COLUMN_BIND], CELL_SIZE, "%.*s:chosen", (int)(strrchr(text, ':') - text), text);
	else
		snprintf(row->cells[COLUMN_BIND], CELL_SIZE, "%s", text);
	snprintf(row->cells[COLUMN_TARGET], CELL_SIZE, "%s", relays ? addr_text(&mapping->target, text) : "punch only");
	if (mapping->keep_alive_shortest == mapping->keep_alive_longest)
		snprintf(row->cells[COLUMN_INTERVAL], CELL_SIZE, "%u s", mapping->keep_alive_longest);
	else
		snprintf(row->cells[COLUMN_INTERVAL], CELL_SIZE, "%u-%u s", mapping->keep_alive_shortest,
		    mapping->keep_alive_longest);
	timeout = mapping->protocol == PROTOCOL_UDP ? mapping->udp_timeout : mapping->tcp_timeout;
	if (relays && timeout != 0)
		snprintf(row->cells[COLUMN_TIMEOUT], CELL_SIZE, "%u s", timeout);
	else
		snprintf(row->cells[COLUMN_TIMEOUT], CELL_SIZE, "-");
	fill_hook(row->cells[COLUMN_HOOK], &m->hook);
}

static void
widen(int widths[COLUMN_COUNT], const struct row *row)
{
	int i, length;

	for (i = 0; i < COLUMN_COUNT; i++) {
		length = (int)strlen(row->cells[i]);
		if (length > widths[i])
			widths[i] = length;
	}
}

static void
print_row(const int widths[COLUMN_COUNT], const struct row *row)
{
	int i;

	for (i = 0; i < COLUMN_COUNT; i++)
		printf("%-*s  ", widths[i], row->cells[i]);
}

static void
print_hosts(const char *what, const struct config_hosts *hosts)
{
	size_t i;

	printf("%s", what);
	for (i = 0; i < hosts->count; i++)
		printf(strchr(hosts->list[i].host, ':') != NULL ? "%s[%s]:%u" : "%s%s:%u", i == 0 ? " " : ",",
		    hosts->list[i].host, hosts->list[i].port);
}

static void
print_mappings(const struct config *config)
{
	const struct config_mapping *m;
	int i, widths[COLUMN_COUNT] = {0};
	struct row row;

	for (i = 0; i < COLUMN_COUNT; i++)
		snprintf(row.cells[i], CELL_SIZE, "%s", titles[i]);
	widen(widths, &row);
	TAILQ_FOREACH(m, &config->mappings, entry) {
		fill_row(&row, m);
		widen(widths, &row);
	}
	for (i = 0; i < COLUMN_COUNT; i++)
		printf("%-*s  ", widths[i], titles[i]);
	printf("SERVERS\n");
	TAILQ_FOREACH(m, &config->mappings, entry) {
		fill_row(&row, m);
		print_row(widths, &row);
		print_hosts("stun", &m->stun);
		if (m->keep_alive.count > 0)
			print_hosts("; keep-alive", &m->keep_alive);
		printf("\n");
	}
}

static void
print_setting(const char *name, const char *value)
{
	printf("%-15s %s\n", name, value != NULL ? value : "none");
}

void
config_describe(const struct config *config)
{
	printf("%s: %zu mapping%s\n\n", config->file, config->mapping_count, config->mapping_count == 1 ? "" : "s");
	if (config->mapping_count > 0) {
		print_mappings(config);
		printf("\n");
	}
	print_setting("user", config->user);
	print_setting("level", log_level_name(config->log_level));
	print_setting("log_file", config->log_file != NULL ? config->log_file : "none: syslog");
	print_setting("status_file", config->status_file);
	print_setting("control_socket", config->control_socket);
	print_setting("pid_file", config->pid_file);
	print_setting("state_dir", config->state_dir);
}
