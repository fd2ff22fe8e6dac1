/* SPDX-License-Identifier: ISC */
/*
 * The field table, and its values as text and JSON; see record.h.
 */
#include "record.h"

#include <bsd/string.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "alloc_json.h"
#include "confinement.h"
#include "counts.h"

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
	bool has_ended = s->peer.pid == 0 && s->report.state != STATE_STOPPED && !s->awaits_turn;
	const char *text = has_ended ? "restarting" : state_name((enum state)s->report.state);

	strlcpy(value, text, RECORD_VALUE_SIZE);
}

static const char *
choose_state(unsigned int i)
{
	if (i < STATE_COUNT)
		return state_name((enum state)i);
	return i == STATE_COUNT ? "restarting" : NULL;
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

static void
get_reach(const struct service *s, char value[RECORD_VALUE_SIZE])
{
	strlcpy(value, reach_name((enum reach)s->report.reach), RECORD_VALUE_SIZE);
}

static const char *
choose_reach(unsigned int i)
{
	return i < REACH_COUNT ? reach_name((enum reach)i) : NULL;
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

/* Of a worker that is there. */
static void
get_confinement(const struct service *s, char value[RECORD_VALUE_SIZE])
{
	value[0] = '\0';
	if (s->peer.pid != 0)
		confinement_text(s->report.confinement, value);
}

const struct record_field record_fields[] = {
    {.name = "name", .kind = RECORD_WORD, .text = get_name},
    {.name = "protocol", .kind = RECORD_WORD, .text = get_protocol},
    {.name = "state", .kind = RECORD_WORD, .text = get_state, .choice = choose_state,
	.metric = {.name = "state",
	    .help = "1 for the state that the mapping is in, 0 for the others.", .label = "state"}},
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
    {.name = "reach", .kind = RECORD_WORD, .text = get_reach, .choice = choose_reach,
	.metric = {.name = "reach",
	    .help = "1 for what is known of whether strangers get in, 0 for the rest.", .label = "reach"}},
    {.name = "target", .kind = RECORD_WORD, .text = get_target},
    {.name = "bind", .kind = RECORD_WORD, .text = get_bind},
    {.name = "since", .kind = RECORD_NUMBER, .number = get_since,
	.metric = {.name = "address_timestamp_seconds",
	    .help = "Since when the outer address has been what it is, in Unix time.",
	    .may_be_unknown = true}},
    {.name = "state_since", .kind = RECORD_NUMBER, .number = get_state_since,
	.metric = {.name = "state_timestamp_seconds",
	    .help = "Since when the state has been what it is, in Unix time."}},
    {.name = "pid", .kind = RECORD_NUMBER, .number = get_pid},
    {.name = "restarts", .kind = RECORD_NUMBER, .number = counts_restarts,
	.metric = {.name = "worker_restarts_total", .help = "Replacements of the mapping's worker."}},
    {.name = "keep_alive_interval", .kind = RECORD_NUMBER, .number = counts_keep_alive_interval,
	.metric = {.name = "keep_alive_interval_seconds",
	    .help = "Between two signs of life that hold the port open, as learned or set.",
	    .may_be_unknown = true}},
    {.name = "keep_alive_round_trip", .kind = RECORD_NUMBER, .number = counts_keep_alive_round_trip,
	.metric = {.name = "keep_alive_round_trip_seconds",
	    .help = "Last time from a request to a keep-alive server to its answer.",
	    .divisor = 1000000, .may_be_unknown = true}},
    {.name = "stun_round_trip", .kind = RECORD_NUMBER, .number = counts_stun_round_trip,
	.metric = {.name = "stun_round_trip_seconds",
	    .help = "Last time from a request to a STUN server to its answer.",
	    .divisor = 1000000, .may_be_unknown = true}},
    {.name = "changes", .kind = RECORD_COUNTS, .choice = counts_event_name, .count = counts_changes,
	.metric = {.name = "address_changes_total",
	    .help = "What happened to the outer address: it came up, changed or went down.",
	    .label = "event"}},
    {.name = "failures", .kind = RECORD_COUNTS, .choice = counts_cause_name, .count = counts_failures,
	.metric = {.name = "failures_total", .help = "What failed, tries included; natterctl(8) explains the causes.",
	    .label = "cause"}},
    {.name = "holes_lost", .kind = RECORD_NUMBER, .number = counts_holes_lost,
	.metric = {.name = "holes_lost_total", .help = "Times that nothing held the port open any more."}},
    {.name = "connections", .kind = RECORD_NUMBER, .number = counts_connections,
	.metric = {.name = "open_connections", .help = "TCP connections or UDP sessions now."}},
    {.name = "connections_total", .kind = RECORD_NUMBER, .number = counts_connections_total,
	.metric = {.name = "connections_total", .help = "TCP connections or UDP sessions that began."}},
    {.name = "refused", .kind = RECORD_COUNTS, .choice = counts_refusal_name, .count = counts_refused,
	.metric = {.name = "refused_total", .help = "What clients were refused by limits and networks.", .label = "reason"}},
    {.name = "bytes_in", .kind = RECORD_NUMBER, .number = counts_bytes_in,
	.metric = {.name = "receive_bytes_total", .help = "Bytes relayed from the Internet to the target."}},
    {.name = "bytes_out", .kind = RECORD_NUMBER, .number = counts_bytes_out,
	.metric = {.name = "transmit_bytes_total", .help = "Bytes relayed from the target to the Internet."}},
    {.name = "error", .kind = RECORD_TEXT, .text = get_error},
    {.name = "advice", .kind = RECORD_TEXT, .text = get_advice},
    {.name = "confinement", .kind = RECORD_TEXT, .text = get_confinement},
    {.name = NULL},
};

const struct record_field *
record_find(const char *name)
{
	const struct record_field *f;

	for (f = record_fields; f->name != NULL; f++)
		if (strcmp(f->name, name) == 0)
			return f;
	return NULL;
}

static uint64_t
sum_up(const struct record_field *field, const struct service *service)
{
	uint64_t sum = 0;
	unsigned int i;

	for (i = 0; field->choice(i) != NULL; i++)
		sum += field->count(service, i);
	return sum;
}

const char *
record_value(const struct record_field *field, const struct service *service, char value[RECORD_VALUE_SIZE])
{
	if (field->kind == RECORD_NUMBER)
		snprintf(value, RECORD_VALUE_SIZE, "%" PRIu64, field->number(service));
	else if (field->kind == RECORD_COUNTS)
		snprintf(value, RECORD_VALUE_SIZE, "%" PRIu64, sum_up(field, service));
	else
		field->text(service, value);
	return value;
}

static struct json_object *
value_to_json(const struct record_field *field, const struct service *service)
{
	char value[RECORD_VALUE_SIZE];
	struct json_object *object;
	unsigned int i;

	if (field->kind == RECORD_NUMBER)
		return json_object_new_uint64(field->number(service));
	if (field->kind != RECORD_COUNTS)
		return json_object_new_string(record_value(field, service, value));
	object = alloc_json(json_object_new_object());
	for (i = 0; field->choice(i) != NULL; i++)
		json_object_object_add(object, field->choice(i), json_object_new_uint64(field->count(service, i)));
	return object;
}

struct json_object *
record_to_json(const struct service *service)
{
	struct json_object *object = alloc_json(json_object_new_object());
	const struct record_field *f;

	for (f = record_fields; f->name != NULL; f++)
		json_object_object_add(object, f->name, value_to_json(f, service));
	return object;
}
