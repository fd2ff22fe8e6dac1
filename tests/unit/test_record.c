/* SPDX-License-Identifier: ISC */
/*
 * record.c: the values of the fields, as JSON and as an environment.
 * NEEDS: supervisor/record supervisor/record_environment supervisor/counts supervisor/outer_event
 */
#include "record.h"

#include "supervisor.h"

static const char *
value_of(const struct service *s, const char *field)
{
	static char values[8][RECORD_VALUE_SIZE];
	static unsigned int next;

	return record_value(record_find(field), s, values[next++ % 8]);
}

static void
test_values(void)
{
	struct service s;

	fill_service(&s, "web", PROTOCOL_TCP, "10.0.0.5:80", "203.0.113.7:40123");
	s.tally.total.bytes_in = UINT64_MAX;
	s.report.bytes_in = 1; /* its worker's, of several */
	s.restarts = 3;
	s.event = OUTER_CHANGE;
	s.old_outer = addr_of("203.0.113.7:40120");
	s.report.keep_alive_interval = 25;
	s.tally.total.holes_lost = 4;
	s.tally.total.failures[CAUSE_STUN_SILENT] = 20;
	s.tally.total.failures[CAUSE_WORKER_DIED] = 1;
	s.changes[OUTER_SAME] = 7; /* no event */
	s.changes[OUTER_CHANGE] = 2;
	s.report.keep_alive_trip = 23456;
	s.report.stun_trip = 1234;
	s.report.reach = REACH_UNREACHABLE;
	strlcpy(s.report.advice, "Nobody gets in.", sizeof(s.report.advice));
	CHECK_TEXT(value_of(&s, "reach"), "unreachable");
	CHECK_TEXT(value_of(&s, "advice"), "Nobody gets in.");
	CHECK_TEXT(value_of(&s, "name"), "web");
	CHECK_TEXT(value_of(&s, "protocol"), "tcp");
	CHECK_TEXT(value_of(&s, "state"), "open");
	CHECK_TEXT(value_of(&s, "inner"), "10.0.0.5:80");
	CHECK_TEXT(value_of(&s, "inner_ip"), "10.0.0.5");
	CHECK_TEXT(value_of(&s, "inner_port"), "80");
	CHECK_TEXT(value_of(&s, "outer"), "203.0.113.7:40123");
	CHECK_TEXT(value_of(&s, "outer_ip"), "203.0.113.7");
	CHECK_TEXT(value_of(&s, "outer_port"), "40123");
	CHECK_TEXT(value_of(&s, "ip4p"), "2001::9cbb:cb00:7107");
	CHECK_TEXT(value_of(&s, "event"), "change");
	CHECK_TEXT(value_of(&s, "old_outer"), "203.0.113.7:40120");
	CHECK_TEXT(value_of(&s, "old_outer_ip"), "203.0.113.7");
	CHECK_TEXT(value_of(&s, "old_outer_port"), "40120");
	CHECK_TEXT(value_of(&s, "keep_alive_interval"), "25");
	CHECK_TEXT(value_of(&s, "holes_lost"), "4");
	CHECK_TEXT(value_of(&s, "failures"), "21");
	CHECK_TEXT(value_of(&s, "changes"), "2");
	CHECK_TEXT(value_of(&s, "keep_alive_round_trip"), "23456");
	CHECK_TEXT(value_of(&s, "stun_round_trip"), "1234");
	CHECK_TEXT(value_of(&s, "target"), "10.0.0.5:80");
	CHECK_TEXT(value_of(&s, "bind"), "0.0.0.0:5000");
	CHECK_TEXT(value_of(&s, "since"), "1700000000");
	CHECK_TEXT(value_of(&s, "state_since"), "1700000001");
	CHECK_TEXT(value_of(&s, "pid"), "4711");
	CHECK_TEXT(value_of(&s, "restarts"), "3");
	CHECK_TEXT(value_of(&s, "bytes_in"), "18446744073709551615");
	CHECK(record_find("oute") == NULL && record_find("") == NULL);
}

static void
test_absent_values(void)
{
	struct service s;

	fill_service(&s, "punch", PROTOCOL_UDP, "", "");
	s.report.state = STATE_BACKOFF;
	s.report.since = -5;
	strlcpy(s.report.error, "no STUN server answered", sizeof(s.report.error));
	CHECK_TEXT(value_of(&s, "protocol"), "udp");
	CHECK_TEXT(value_of(&s, "inner"), "192.168.1.2:5000");
	CHECK_TEXT(value_of(&s, "outer"), "");
	CHECK_TEXT(value_of(&s, "outer_ip"), "");
	CHECK_TEXT(value_of(&s, "outer_port"), "0");
	CHECK_TEXT(value_of(&s, "ip4p"), "");
	CHECK_TEXT(value_of(&s, "event"), "");
	CHECK_TEXT(value_of(&s, "old_outer"), "");
	CHECK_TEXT(value_of(&s, "old_outer_ip"), "");
	CHECK_TEXT(value_of(&s, "old_outer_port"), "0");
	CHECK_TEXT(value_of(&s, "keep_alive_interval"), "0");
	CHECK_TEXT(value_of(&s, "holes_lost"), "0");
	CHECK_TEXT(value_of(&s, "target"), "");
	CHECK_TEXT(value_of(&s, "since"), "0");
	CHECK_TEXT(value_of(&s, "state"), "backoff");
	CHECK_TEXT(value_of(&s, "reach"), "unknown");
	CHECK_TEXT(value_of(&s, "advice"), "");
	CHECK_TEXT(value_of(&s, "error"), "no STUN server answered");
	s.peer.pid = 0;
	CHECK_TEXT(value_of(&s, "state"), "restarting");
}

static void
test_ipv6(void)
{
	struct service s;

	fill_service(&s, "six", PROTOCOL_TCP, "[fd00::5]:80", "[2001:db8::1]:443");
	CHECK_TEXT(value_of(&s, "inner"), "[fd00::5]:80");
	CHECK_TEXT(value_of(&s, "outer"), "[2001:db8::1]:443");
	CHECK_TEXT(value_of(&s, "outer_ip"), "2001:db8::1");
	CHECK_TEXT(value_of(&s, "ip4p"), "");
}

static void
test_json(void)
{
	struct service s;
	static const enum json_type types[] = {[RECORD_NUMBER] = json_type_int, [RECORD_COUNTS] = json_type_object,
	    [RECORD_WORD] = json_type_string, [RECORD_TEXT] = json_type_string};
	struct json_object *o, *v;
	const struct record_field *f;
	size_t count = 0;

	fill_service(&s, "web", PROTOCOL_TCP, "10.0.0.5:80", "203.0.113.7:40123");
	s.tally.total.bytes_out = UINT64_MAX;
	s.tally.total.failures[CAUSE_STUN_SILENT] = 20;
	s.changes[OUTER_UP] = 1;
	o = record_to_json(&s);
	for (f = record_fields; f->name != NULL; f++, count++) {
		CHECK(json_object_object_get_ex(o, f->name, &v));
		CHECK(json_object_is_type(v, types[f->kind]));
	}
	CHECK((size_t)json_object_object_length(o) == count);
	CHECK(json_object_object_get_ex(o, "bytes_out", &v) && json_object_get_uint64(v) == UINT64_MAX);
	CHECK(json_object_object_get_ex(o, "outer_port", &v) && json_object_get_int(v) == 40123);
	CHECK(json_object_object_get_ex(o, "changes", &v));
	CHECK_TEXT(json_object_to_json_string_ext(v, JSON_C_TO_STRING_PLAIN), "{\"up\":1,\"change\":0,\"down\":0}");
	CHECK(json_object_object_get_ex(o, "failures", &v) && json_object_object_length(v) == CAUSE_COUNT);
	CHECK(json_object_object_get_ex(v, "stun_silent", &v) && json_object_get_int(v) == 20);
	json_object_put(o);
}

/* The value of the variable of that name. */
static const char *
variable(char **environment, const char *name)
{
	const char *found = "(absent)";
	bool seen = false;
	char **p;

	for (p = environment; *p != NULL; p++) {
		if (strncmp(*p, name, strlen(name)) != 0 || (*p)[strlen(name)] != '=')
			continue;
		found = seen ? "(twice)" : *p + strlen(name) + 1;
		seen = true;
	}
	return found;
}

static void
test_environment(void)
{
	struct service s;
	char **environment;

	fill_service(&s, "web", PROTOCOL_TCP, "10.0.0.5:80", "203.0.113.7:40123");
	setenv("NATTER_OUTER_IP", "stale", 1);
	setenv("NATTER_TOKEN", "kept", 1);
	environment = record_environment(&s);
	CHECK_TEXT(variable(environment, "NATTER_OUTER_IP"), "203.0.113.7");
	CHECK_TEXT(variable(environment, "NATTER_OUTER"), "203.0.113.7:40123");
	CHECK_TEXT(variable(environment, "NATTER_INNER_PORT"), "80");
	CHECK_TEXT(variable(environment, "NATTER_ERROR"), "");
	CHECK_TEXT(variable(environment, "NATTER_TOKEN"), "kept");
	CHECK_TEXT(variable(environment, "PATH"), getenv("PATH"));
	record_environment_free(environment);
	CHECK_TEXT(getenv("NATTER_OUTER_IP"), "stale");
	CHECK(getenv("NATTER_OUTER") == NULL);
}

int
main(void)
{
	test_values();
	test_absent_values();
	test_ipv6();
	test_json();
	test_environment();
	return check_done();
}
