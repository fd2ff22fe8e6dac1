/* SPDX-License-Identifier: ISC */
/*
 * The field table and its three forms; see record.h.
 */
#include "record.h"

#include <bsd/string.h>
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "alloc.h"

#define VARIABLE_PREFIX "NATTER_"

/* v0.9's rule: what a mapping with a target shows as its inner side is the
 * target; without one it is the mapped port itself. */
static const struct addr *
inner_of(const struct service *s)
{
	return addr_is_set(&s->mapping.target) ? &s->mapping.target : &s->report.inner;
}

static void
get_name(const struct service *s, char value[RECORD_VALUE_SIZE])
{
	strlcpy(value, s->mapping.name, RECORD_VALUE_SIZE);
}

static void
get_protocol(const struct service *s, char value[RECORD_VALUE_SIZE])
{
	strlcpy(value, protocol_name((enum protocol)s->mapping.protocol), RECORD_VALUE_SIZE);
}

static void
get_state(const struct service *s, char value[RECORD_VALUE_SIZE])
{
	const char *text = s->peer.pid == 0 ? "restarting" : state_name((enum state)s->report.state);

	strlcpy(value, text, RECORD_VALUE_SIZE);
}

static void
get_inner(const struct service *s, char value[RECORD_VALUE_SIZE])
{
	addr_text(inner_of(s), value);
}

static void
get_inner_ip(const struct service *s, char value[RECORD_VALUE_SIZE])
{
	addr_ip_text(inner_of(s), value);
}

static uint64_t
get_inner_port(const struct service *s)
{
	return addr_port(inner_of(s));
}

static void
get_outer(const struct service *s, char value[RECORD_VALUE_SIZE])
{
	addr_text(&s->report.outer, value);
}

static void
get_outer_ip(const struct service *s, char value[RECORD_VALUE_SIZE])
{
	addr_ip_text(&s->report.outer, value);
}

static uint64_t
get_outer_port(const struct service *s)
{
	return addr_port(&s->report.outer);
}

/* "IP4P", a convention of DNS clients: an IPv6 address 2001::PORT:IPv4, all in hexadecimal digits. */
static void
get_ip4p(const struct service *s, char value[RECORD_VALUE_SIZE])
{
	const struct addr *outer = &s->report.outer;
	struct addr ip4p;
	uint8_t *bytes = ip4p.v6.sin6_addr.s6_addr;

	memset(&ip4p, 0, sizeof(ip4p));
	if (outer->sa.sa_family == AF_INET) {
		ip4p.v6.sin6_family = AF_INET6;
		bytes[0] = 0x20;
		bytes[1] = 0x01;
		memcpy(&bytes[10], &outer->v4.sin_port, 2);
		memcpy(&bytes[12], &outer->v4.sin_addr, 4);
	}
	addr_ip_text(&ip4p, value);
}

static void
get_event(const struct service *s, char value[RECORD_VALUE_SIZE])
{
	strlcpy(value, outer_event_name(s->event), RECORD_VALUE_SIZE);
}

static void
get_old_outer(const struct service *s, char value[RECORD_VALUE_SIZE])
{
	addr_text(&s->old_outer, value);
}

static void
get_old_outer_ip(const struct service *s, char value[RECORD_VALUE_SIZE])
{
	addr_ip_text(&s->old_outer, value);
}

static uint64_t
get_old_outer_port(const struct service *s)
{
	return addr_port(&s->old_outer);
}

static void
get_target(const struct service *s, char value[RECORD_VALUE_SIZE])
{
	addr_text(&s->mapping.target, value);
}

static void
get_bind(const struct service *s, char value[RECORD_VALUE_SIZE])
{
	addr_text(&s->mapping.bind, value);
}

/* A report may carry any negative time and still be a valid one. */
static uint64_t
get_since(const struct service *s)
{
	return s->report.since > 0 ? (uint64_t)s->report.since : 0;
}

static uint64_t
get_state_since(const struct service *s)
{
	return s->state_since > 0 ? (uint64_t)s->state_since : 0;
}

static uint64_t
get_pid(const struct service *s)
{
	return (uint64_t)s->peer.pid;
}

static uint64_t
get_restarts(const struct service *s)
{
	return s->restarts;
}

static uint64_t
get_keep_alive_interval(const struct service *s)
{
	return s->report.keep_alive_interval;
}

static uint64_t
get_holes_lost(const struct service *s)
{
	return s->report.holes_lost;
}

static uint64_t
get_connections(const struct service *s)
{
	return s->report.connections;
}

static uint64_t
get_connections_total(const struct service *s)
{
	return s->report.connections_total;
}

static uint64_t
get_bytes_in(const struct service *s)
{
	return s->report.bytes_in;
}

static uint64_t
get_bytes_out(const struct service *s)
{
	return s->report.bytes_out;
}

static void
get_reach(const struct service *s, char value[RECORD_VALUE_SIZE])
{
	strlcpy(value, reach_name((enum reach)s->report.reach), RECORD_VALUE_SIZE);
}

static void
get_advice(const struct service *s, char value[RECORD_VALUE_SIZE])
{
	strlcpy(value, s->report.advice, RECORD_VALUE_SIZE);
}

static void
get_error(const struct service *s, char value[RECORD_VALUE_SIZE])
{
	strlcpy(value, s->report.error, RECORD_VALUE_SIZE);
}

const struct record_field record_fields[] = {
    {.name = "name", .kind = RECORD_WORD, .text = get_name},
    {.name = "protocol", .kind = RECORD_WORD, .text = get_protocol},
    {.name = "state", .kind = RECORD_WORD, .text = get_state},
    {.name = "inner", .kind = RECORD_WORD, .text = get_inner},
    {.name = "inner_ip", .kind = RECORD_WORD, .text = get_inner_ip},
    {.name = "inner_port", .kind = RECORD_NUMBER, .number = get_inner_port},
    {.name = "outer", .kind = RECORD_WORD, .text = get_outer},
    {.name = "outer_ip", .kind = RECORD_WORD, .text = get_outer_ip},
    {.name = "outer_port", .kind = RECORD_NUMBER, .number = get_outer_port},
    {.name = "ip4p", .kind = RECORD_WORD, .text = get_ip4p},
    {.name = "event", .kind = RECORD_WORD, .text = get_event},
    {.name = "old_outer", .kind = RECORD_WORD, .text = get_old_outer},
    {.name = "old_outer_ip", .kind = RECORD_WORD, .text = get_old_outer_ip},
    {.name = "old_outer_port", .kind = RECORD_NUMBER, .number = get_old_outer_port},
    {.name = "reach", .kind = RECORD_WORD, .text = get_reach},
    {.name = "target", .kind = RECORD_WORD, .text = get_target},
    {.name = "bind", .kind = RECORD_WORD, .text = get_bind},
    {.name = "since", .kind = RECORD_NUMBER, .number = get_since},
    {.name = "state_since", .kind = RECORD_NUMBER, .number = get_state_since},
    {.name = "pid", .kind = RECORD_NUMBER, .number = get_pid},
    {.name = "restarts", .kind = RECORD_NUMBER, .number = get_restarts},
    {.name = "keep_alive_interval", .kind = RECORD_NUMBER, .number = get_keep_alive_interval},
    {.name = "holes_lost", .kind = RECORD_NUMBER, .number = get_holes_lost},
    {.name = "connections", .kind = RECORD_NUMBER, .number = get_connections},
    {.name = "connections_total", .kind = RECORD_NUMBER, .number = get_connections_total},
    {.name = "bytes_in", .kind = RECORD_NUMBER, .number = get_bytes_in},
    {.name = "bytes_out", .kind = RECORD_NUMBER, .number = get_bytes_out},
    {.name = "error", .kind = RECORD_TEXT, .text = get_error},
    {.name = "advice", .kind = RECORD_TEXT, .text = get_advice},
    {.name = NULL},
};

#define FIELD_COUNT (sizeof(record_fields) / sizeof(record_fields[0]) - 1)

const struct record_field *
record_find(const char *name)
{
	const struct record_field *f;

	for (f = record_fields; f->name != NULL; f++)
		if (strcmp(f->name, name) == 0)
			return f;
	return NULL;
}

const char *
record_value(const struct record_field *field, const struct service *service, char value[RECORD_VALUE_SIZE])
{
	if (field->kind == RECORD_NUMBER)
		snprintf(value, RECORD_VALUE_SIZE, "%" PRIu64, field->number(service));
	else
		field->text(service, value);
	return value;
}

struct json_object *
record_to_json(const struct service *service)
{
	struct json_object *object = json_object_new_object();
	const struct record_field *f;
	char value[RECORD_VALUE_SIZE];

	for (f = record_fields; f->name != NULL; f++) {
		if (f->kind == RECORD_NUMBER)
			json_object_object_add(object, f->name, json_object_new_uint64(f->number(service)));
		else
			json_object_object_add(object, f->name,
			    json_object_new_string(record_value(f, service, value)));
	}
	return object;
}

static char *
make_variable(const struct record_field *field, const struct service *service)
{
	char text[RECORD_VALUE_SIZE + 64], name[32], value[RECORD_VALUE_SIZE];
	size_t i;

	strlcpy(name, field->name, sizeof(name));
	for (i = 0; name[i] != '\0'; i++)
		name[i] = (char)toupper((unsigned char)name[i]);
	snprintf(text, sizeof(text), VARIABLE_PREFIX "%s=%s", name, record_value(field, service, value));
	return alloc_string(text);
}

/* Is the variable "NAME=value" one that a field gives a value to? */
static bool
is_ours(const char *variable)
{
	const struct record_field *f;
	const char *name = variable + strlen(VARIABLE_PREFIX);
	size_t length = strcspn(variable, "=") - strlen(VARIABLE_PREFIX);

	if (strncmp(variable, VARIABLE_PREFIX, strlen(VARIABLE_PREFIX)) != 0)
		return false;
	for (f = record_fields; f->name != NULL; f++)
		if (strlen(f->name) == length && strncasecmp(name, f->name, length) == 0)
			return true;
	return false;
}

char **
record_environment(const struct service *service)
{
	const struct record_field *f;
	size_t count = 0, n = 0, i;
	char **all;

	while (environ[count] != NULL)
		count++;
	all = alloc_zero((count + FIELD_COUNT + 1) * sizeof(*all));
	for (i = 0; i < count; i++)
		if (!is_ours(environ[i]))
			all[n++] = alloc_string(environ[i]);
	for (f = record_fields; f->name != NULL; f++)
		all[n++] = make_variable(f, service);
	return all;
}

void
record_environment_free(char **environment)
{
	char **p;

	for (p = environment; *p != NULL; p++)
		free(*p);
	free(environment);
}
