/* SPDX-License-Identifier: ISC */
/*
 * Answers as text; see natterctl_print.h.
 */
#include "natterctl_print.h"

#include <bsd/string.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "natterctl_mapping.h"
#include "table.h"
#include "terminal.h"

#define JSON_STYLE (JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED | JSON_C_TO_STRING_NOSLASHESCAPE)
#define FORMAT_SIZE 64

void
natterctl_print_text(const char *text)
{
	table_put_text(stdout, text, 0);
	putchar('\n');
}

void
natterctl_print_json_line(struct json_object *value)
{
	natterctl_print_text(json_object_to_json_string_ext(value, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
}

void
natterctl_print_json(struct json_object *value)
{
	table_put_text(stdout, json_object_to_json_string_ext(value, JSON_STYLE), 1);
	putchar('\n');
}

static const char *
text_or_dash(struct json_object *object, const char *name)
{
	const char *text = natterctl_mapping_text(object, name);

	return text[0] != '\0' ? text : "-";
}

static const char *
format_ago(uint64_t since, char buf[FORMAT_SIZE])
{
	uint64_t now = (uint64_t)time(NULL), age = now > since ? now - since : 0;

	if (since == 0)
		strlcpy(buf, "-", FORMAT_SIZE);
	else if (age < 60)
		snprintf(buf, FORMAT_SIZE, "%" PRIu64 " s ago", age);
	else if (age < 3600)
		snprintf(buf, FORMAT_SIZE, "%" PRIu64 " min ago", age / 60);
	else if (age < 48 * 3600)
		snprintf(buf, FORMAT_SIZE, "%" PRIu64 " h ago", age / 3600);
	else
		snprintf(buf, FORMAT_SIZE, "%" PRIu64 " d ago", age / 86400);
	return buf;
}

static const char *
format_bytes(uint64_t bytes, char buf[FORMAT_SIZE])
{
	static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
	double n = (double)bytes;
	size_t unit = 0;

	/* From 999.5 on, "%.0f" would print a thousand. */
	for (; n >= 999.5 && unit < sizeof(units) / sizeof(units[0]) - 1; unit++)
		n /= 1000;
	snprintf(buf, FORMAT_SIZE, unit > 0 && n < 9.95 ? "%.1f %s" : "%.0f %s", n, units[unit]);
	return buf;
}

static void
add_mapping(struct table *table, struct json_object *m)
{
	uint64_t in = natterctl_mapping_number(m, "bytes_in"), out = natterctl_mapping_number(m, "bytes_out");
	uint64_t since = natterctl_mapping_number(m, "since");
	char ago[FORMAT_SIZE], bytes_in[FORMAT_SIZE], bytes_out[FORMAT_SIZE], traffic[2 * FORMAT_SIZE + 16] = "-";

	if (in != 0 || out != 0)
		snprintf(traffic, sizeof(traffic), "%s in, %s out", format_bytes(in, bytes_in),
		    format_bytes(out, bytes_out));
	const char *const cells[] = {
	    text_or_dash(m, "name"),
	    text_or_dash(m, "protocol"),
	    text_or_dash(m, "state"),
	    text_or_dash(m, "inner"),
	    text_or_dash(m, "outer"),
	    text_or_dash(m, "reach"),
	    format_ago(since != 0 ? since : natterctl_mapping_number(m, "state_since"), ago),
	    traffic,
	};
	table_add(table, cells, natterctl_mapping_note(m));
	table_colour(table, 2, natterctl_mapping_colour("state", cells[2]));
	table_colour(table, 5, natterctl_mapping_colour("reach", cells[5]));
}

void
natterctl_print_list(struct json_object *list)
{
	static const char *const headings[] = {"NAME", "PROTO", "STATE", "INNER", "OUTER", "REACH",
	    "SINCE", "TRAFFIC", NULL};
	struct table *table;
	size_t i;

	table = table_new(headings);
	for (i = 0; i < json_object_array_length(list); i++)
		add_mapping(table, json_object_array_get_idx(list, i));
	table_print(table, stdout, table_terminal_width());
	table_free(table);
}

void
natterctl_print_names(struct json_object *list)
{
	size_t i;

	for (i = 0; i < json_object_array_length(list); i++)
		natterctl_print_text(natterctl_mapping_text(json_object_array_get_idx(list, i), "name"));
}

/* "3 (port_unavailable 2, worker_died 1)" */
static void
print_counts(struct json_object *counts)
{
	const char *separator = " (";
	uint64_t sum = 0, n;

	json_object_object_foreach(counts, each, part) {
		(void)each;
		sum += json_object_get_uint64(part);
	}
	printf("%" PRIu64, sum);
	json_object_object_foreach(counts, name, count) {
		n = json_object_get_uint64(count);
		if (n == 0)
			continue;
		fputs(separator, stdout);
		table_put_text(stdout, name, 0);
		printf(" %" PRIu64, n);
		separator = ", ";
	}
	if (sum > 0)
		putchar(')');
}

void
natterctl_print_first_steps(struct json_object *version)
{
	const char *file = natterctl_mapping_text(version, "file");

	fputs("No mappings: ", stdout);
	table_put_text(stdout, file[0] != '\0' ? file : "natterd's configuration", 0);
	puts(" asks for none. Put into it, for example,\n"
	     "\n"
	     "    mappings = ( { name = \"web\"; protocol = \"tcp\"; target = \"192.168.1.10:443\"; } );\n"
	     "\n"
	     "to forward a port to that address. Then have natterd take it over:\n"
	     "\n"
	     "    natterctl reload\n"
	     "\n"
	     "natter.cfg(5) tells what else there is.");
}

/* What a reader would otherwise have to work out, behind the plain value. */
static void
print_member(const char *name, struct json_object *mapping)
{
	uint64_t n = natterctl_mapping_number(mapping, name);
	char buf[FORMAT_SIZE], when[FORMAT_SIZE];
	time_t t = (time_t)n;
	struct json_object *value = json_object_object_get(mapping, name);
	struct tm tm;

	if (json_object_is_type(value, json_type_object)) {
		print_counts(value);
	} else if (strcmp(name, "since") == 0 || strcmp(name, "state_since") == 0) {
		if (n == 0 || localtime_r(&t, &tm) == NULL || strftime(when, sizeof(when), "%F %T", &tm) == 0)
			printf("-");
		else
			printf("%s (%s)", when, format_ago(n, buf));
	} else if (strncmp(name, "bytes_", strlen("bytes_")) == 0 && n >= 1000) {
		printf("%" PRIu64 " (%s)", n, format_bytes(n, buf));
	} else if (strstr(name, "_round_trip") != NULL && n > 0) {
		printf("%" PRIu64 " (%.1f ms)", n, (double)n / 1000);
	} else {
		terminal_begin(stdout, natterctl_mapping_colour(name, natterctl_mapping_text(mapping, name)));
		table_put_text(stdout, text_or_dash(mapping, name), 0);
		terminal_end(stdout, natterctl_mapping_colour(name, natterctl_mapping_text(mapping, name)));
	}
	putchar('\n');
}

void
natterctl_print_mapping(struct json_object *mapping)
{
	int widest = 0, length;

	json_object_object_foreach(mapping, key, value) {
		(void)value;
		length = (int)strlen(key);
		widest = length > widest ? length : widest;
	}
	json_object_object_foreach(mapping, name, member) {
		(void)member;
		table_put_text(stdout, name, 0);
		printf(":%*s", widest - (int)strlen(name) + 1, "");
		print_member(name, mapping);
	}
}
