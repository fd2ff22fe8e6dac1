/* SPDX-License-Identifier: ISC */
/*
 * Printing a NAT check; see checknat_print.h.
 */
#include "checknat_print.h"

#include <stdio.h>
#include <string.h>

#include "table.h"
#include "terminal.h"

static const struct row {
	const char *member;
	const char *title;
} rows[] = {
    {"type", "NAT type"},
    {"mapping", "mapping"},
    {"filtering", "filtering"},
    {"port_preservation", "port preserved"},
    {"hairpinning", "hairpinning"},
    {"inner", "inside"},
    {"outer", "seen from outside"},
};

static const char *
text_of(struct json_object *object, const char *name)
{
	struct json_object *value;
	const char *text = "";

	if (json_object_object_get_ex(object, name, &value))
		text = json_object_get_string(value);
	return text != NULL && text[0] != '\0' ? text : "-";
}

static struct json_object *
part_of(struct json_object *result, const char *name)
{
	struct json_object *part = NULL;

	json_object_object_get_ex(result, name, &part);
	return part;
}

/* The last one is what it comes to. */
static void
print_messages(struct json_object *result, struct json_object *messages)
{
	static const char *const colours[] = {
	    [CHECKNAT_WORKS] = TERMINAL_GOOD,
	    [CHECKNAT_FAILS] = TERMINAL_BAD,
	    [CHECKNAT_UNKNOWN] = TERMINAL_DOUBT,
	};
	size_t count = json_object_is_type(messages, json_type_array) ? json_object_array_length(messages) : 0, i;

	for (i = 0; i < count; i++) {
		const char *colour = i + 1 == count ? colours[checknat_status(result)] : TERMINAL_PLAIN;
		const char *text = json_object_get_string(json_object_array_get_idx(messages, i));

		if (text == NULL)
			continue;
		terminal_begin(stdout, colour);
		table_put_paragraph(stdout, text, table_terminal_width());
		terminal_end(stdout, colour);
	}
}

void
checknat_print(struct json_object *result)
{
	static const char *const headings[] = {"", "UDP", "TCP", NULL};
	struct json_object *udp = part_of(result, "udp"), *tcp = part_of(result, "tcp");
	struct table *table = table_new(headings);
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *const cells[] = {rows[i].title, text_of(udp, rows[i].member), text_of(tcp, rows[i].member)};

		table_add(table, cells, "");
	}
	table_print(table, stdout, 0);
	table_free(table);
	putchar('\n');
	print_messages(result, part_of(result, "messages"));
}

int
checknat_status(struct json_object *result)
{
	const char *works = text_of(result, "works");

	if (strcmp(works, "yes") == 0)
		return CHECKNAT_WORKS;
	return strcmp(works, "no") == 0 ? CHECKNAT_FAILS : CHECKNAT_UNKNOWN;
}
