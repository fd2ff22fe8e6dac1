/* SPDX-License-Identifier: ISC */
/*
 * Prometheus' text format: the families and their order, values, escaped labels.  With an
 * argument the text becomes a file of that name, for a parser.
 * NEEDS: supervisor/metrics supervisor/record supervisor/counts supervisor/outer_event
 */
#include "metrics.h"

#include "record.h"
#include "supervisor.h"

static struct service web, odd;
static char *text;

static void
print(void)
{
	free(text);
	text = metrics_text();
}

/* Is it one of the text's lines? */
static bool
has(const char *line)
{
	size_t length = strlen(line);
	const char *p;

	for (p = text; (p = strstr(p, line)) != NULL; p++)
		if ((p == text || p[-1] == '\n') && p[length] == '\n')
			return true;
	printf("there is no line: %s\n", line);
	return false;
}

static int
count(const char *part)
{
	int n = 0;
	const char *p;

	for (p = text; (p = strstr(p, part)) != NULL; p++)
		n++;
	return n;
}

static void
test_nothing(void)
{
	print();
	CHECK(has("# TYPE natter_build_info gauge"));
	CHECK(has("natter_build_info{version=\"" NATTER_VERSION "\"} 1"));
	CHECK(has("# TYPE natter_start_time_seconds gauge"));
	CHECK(has("# TYPE natter_mapping_receive_bytes_total counter"));
	CHECK(count("name=") == 0);
}

static void
test_values(void)
{
	fill_service(&web, "web", PROTOCOL_TCP, "10.0.0.5:80", "203.0.113.7:40123");
	web.tally.total.bytes_in = UINT64_MAX;
	web.tally.total.connections = 7;
	web.report.connections = 2;
	web.tally.total.failures[CAUSE_STUN_SILENT] = 3;
	web.changes[OUTER_CHANGE] = 4;
	web.report.keep_alive_interval = 25;
	web.report.keep_alive_trip = 1234567;
	web.report.stun_trip = 90;
	web.report.reach = REACH_REACHABLE;
	TAILQ_INSERT_TAIL(&table, &web, entry);
	print();
	CHECK(has("natter_mapping_receive_bytes_total{name=\"web\",protocol=\"tcp\"} 18446744073709551615"));
	CHECK(has("natter_mapping_connections_total{name=\"web\",protocol=\"tcp\"} 7"));
	CHECK(has("natter_mapping_open_connections{name=\"web\",protocol=\"tcp\"} 2"));
	CHECK(has("natter_mapping_failures_total{name=\"web\",protocol=\"tcp\",cause=\"stun_silent\"} 3"));
	CHECK(has("natter_mapping_failures_total{name=\"web\",protocol=\"tcp\",cause=\"worker_died\"} 0"));
	CHECK(has("natter_mapping_address_changes_total{name=\"web\",protocol=\"tcp\",event=\"up\"} 0"));
	CHECK(has("natter_mapping_address_changes_total{name=\"web\",protocol=\"tcp\",event=\"change\"} 4"));
	CHECK(has("natter_mapping_keep_alive_interval_seconds{name=\"web\",protocol=\"tcp\"} 25"));
	CHECK(has("natter_mapping_keep_alive_round_trip_seconds{name=\"web\",protocol=\"tcp\"} 1.234567"));
	CHECK(has("natter_mapping_stun_round_trip_seconds{name=\"web\",protocol=\"tcp\"} 9e-05"));
	CHECK(has("natter_mapping_reach{name=\"web\",protocol=\"tcp\",reach=\"reachable\"} 1"));
	CHECK(has("natter_mapping_address_timestamp_seconds{name=\"web\",protocol=\"tcp\"} 1700000000"));
	CHECK(count("cause=") == CAUSE_COUNT && count("event=") == OUTER_EVENT_COUNT - 1);
}

/* Whatever record.c calls the state is one of the metric's. */
static void
test_state(void)
{
	for (web.report.state = 0; web.report.state < STATE_COUNT; web.report.state++) {
		print();
		CHECK(count(",state=\"") == STATE_COUNT + 1);
		CHECK(count(",state=\"waiting\"} 1\n") == (web.report.state == STATE_WAITING));
		CHECK(count(",state=\"open\"} 1\n") == (web.report.state == STATE_OPEN));
		CHECK(count(",state=\"restarting\"} 0\n") == 1);
	}
	web.peer.pid = 0;
	web.report.state = STATE_OPEN;
	print();
	CHECK(count(",state=\"restarting\"} 1\n") == 1 && count(",state=\"open\"} 0\n") == 1);
	web.peer.pid = 4711;
}

/* natter.cfg allows no such name; the format must stand all the same. */
static void
test_odd_name(void)
{
	fill_service(&odd, "a\"b\\c\nd{},= #\xc3\xa4", PROTOCOL_UDP, "", "");
	odd.report.since = 0;
	TAILQ_INSERT_TAIL(&table, &odd, entry);
	print();
	CHECK(has("natter_mapping_open_connections{name=\"a\\\"b\\\\c\\nd{},= #\xc3\xa4\",protocol=\"udp\"} 0"));
	/* What is unknown has no sample. */
	CHECK(count("natter_mapping_address_timestamp_seconds{") == 1);
	CHECK(count("natter_mapping_stun_round_trip_seconds{") == 1);
	/* Every line of it is of the one form or the other. */
	CHECK(count("\n") == count("\n# HELP natter_") + 1 + count("\n# TYPE natter_") + count("\nnatter_"));
}

static void
test_help(void)
{
	const struct record_field *f;

	for (f = record_fields; f->name != NULL; f++) {
		if (f->metric.name == NULL)
			continue;
		CHECK(f->metric.help != NULL && strpbrk(f->metric.help, "\\\n") == NULL);
		CHECK((f->choice != NULL) == (f->metric.label != NULL));
		CHECK(f->choice != NULL || f->kind == RECORD_NUMBER);
	}
}

static void
write_file(const char *path)
{
	FILE *out = fopen(path, "w");

	CHECK(out != NULL && fputs(text, out) >= 0 && fclose(out) == 0);
}

int
main(int argc, char **argv)
{
	metrics_open();
	test_nothing();
	test_values();
	test_state();
	test_odd_name();
	test_help();
	if (argc > 1)
		write_file(argv[1]);
	free(text);
	return check_done();
}
