/* SPDX-License-Identifier: ISC */
/*
 * config_compare.c: what of a mapping takes another worker, what its worker can go on with, and
 * which one has only another name.
 * NEEDS: supervisor/config_compare supervisor/config_hosts supervisor/hook_settings
 */
#include "config_compare.h"

#include <bsd/string.h>

#include "check.h"

static struct config_host stun[] = {{"stun.example", 3478}, {"192.0.2.9", 3479}};
static struct config_host other[] = {{"stun.example", 3478}, {"192.0.2.9", 3478}};
static char command[] = "true", same_command[] = "true", other_command[] = "false";
static struct config_mapping old, new;

static void
begin(void)
{
	memset(&old, 0, sizeof(old));
	strlcpy(old.mapping.name, "web", sizeof(old.mapping.name));
	addr_parse("0.0.0.0:8081", 0, &old.mapping.bind);
	addr_parse("192.168.1.2:80", 0, &old.mapping.target);
	old.mapping.log_level = LOG_LEVEL_INFO;
	old.stun = (struct config_hosts){stun, 2};
	old.hook.command = command;
	new = old;
}

static enum config_difference
difference(void)
{
	return config_compare(&old, &new);
}

static void
test_same(void)
{
	begin();
	CHECK(difference() == CONFIG_SAME);
	new.mapping.log_level = LOG_LEVEL_DEBUG;
	new.hook.command = same_command;
	new.line = 4;
	CHECK(difference() == CONFIG_SAME && new.mapping.log_level == LOG_LEVEL_DEBUG);
}

static void
test_moved(void)
{
	begin();
	addr_set_port(&new.mapping.bind, 8082);
	CHECK(difference() == CONFIG_MOVED);
	begin();
	addr_parse("192.168.1.1:8081", 0, &new.mapping.bind);
	CHECK(difference() == CONFIG_MOVED);
	begin();
	new.mapping.protocol = PROTOCOL_UDP;
	CHECK(difference() == CONFIG_MOVED);
}

static void
test_changed(void)
{
	begin();
	addr_set_port(&new.mapping.target, 81);
	CHECK(difference() == CONFIG_CHANGED);
	begin();
	memset(&new.mapping.target, 0, sizeof(new.mapping.target));
	CHECK(difference() == CONFIG_CHANGED);
	begin();
	new.mapping.stun_interval = 60;
	CHECK(difference() == CONFIG_CHANGED);
	begin();
	strlcpy(new.mapping.name, "page", sizeof(new.mapping.name));
	CHECK(difference() == CONFIG_CHANGED);
	begin();
	new.hook.command = other_command;
	CHECK(difference() == CONFIG_CHANGED);
	new.hook.command = NULL;
	CHECK(difference() == CONFIG_CHANGED);
	begin();
	new.hook.timeout = 3;
	CHECK(difference() == CONFIG_CHANGED);
	begin();
	new.stun.list = other;
	CHECK(difference() == CONFIG_CHANGED);
	begin();
	new.stun.count = 1;
	CHECK(difference() == CONFIG_CHANGED);
	begin();
	new.keep_alive = new.stun;
	CHECK(difference() == CONFIG_CHANGED);
}

static void
test_place(void)
{
	struct config config = {0};
	struct mapping m;

	begin();
	TAILQ_INIT(&config.mappings);
	addr_set_port(&new.mapping.bind, 8082);
	TAILQ_INSERT_TAIL(&config.mappings, &new, entry);
	m = old.mapping;
	CHECK(config_find_place(&config, &m) == NULL);
	strlcpy(m.name, "page", sizeof(m.name));
	addr_set_port(&m.bind, 8082);
	CHECK(config_find_place(&config, &m) == &new);
	m.protocol = PROTOCOL_UDP;
	CHECK(config_find_place(&config, &m) == NULL);
}

int
main(void)
{
	test_same();
	test_moved();
	test_changed();
	test_place();
	return check_done();
}
