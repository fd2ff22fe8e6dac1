/* SPDX-License-Identifier: ISC */
/*
 * Prometheus' text format; see metrics.h.
 */
#include "metrics.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "alloc.h"
#include "log.h"
#include "record.h"
#include "service.h"

#define MAPPING_PREFIX "natter_mapping_"

static time_t started;

void
metrics_open(void)
{
	started = time(NULL);
}

void
metrics_shift_start(int64_t seconds)
{
	started += (time_t)seconds;
}

/* A label's value: these three alone have another form. */
static void
put_escaped(FILE *out, const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text == '\n')
			fputs("\\n", out);
		else if (*text == '\\' || *text == '"')
			fprintf(out, "\\%c", *text);
		else
			fputc(*text, out);
	}
}

static void
put_label(FILE *out, const char *name, const char *value)
{
	fprintf(out, "%s=\"", name);
	put_escaped(out, value);
	fputc('"', out);
}

/* A help text has no backslash and no newline: nothing is to be escaped. */
static void
put_family(FILE *out, const char *prefix, const char *name, const char *help)
{
	static const char total[] = "_total";
	size_t length = strlen(name);
	bool counts = length > strlen(total) && strcmp(name + length - strlen(total), total) == 0;

	fprintf(out, "# HELP %s%s %s\n", prefix, name, help);
	fprintf(out, "# TYPE %s%s %s\n", prefix, name, counts ? "counter" : "gauge");
}

/* choice: of the metric's label; NULL: it has none. */
static void
put_sample(FILE *out, const struct record_metric *m, const struct service *s, const char *choice, uint64_t value)
{
	fprintf(out, MAPPING_PREFIX "%s{", m->name);
	put_label(out, "name", s->mapping.name);
	fputc(',', out);
	put_label(out, "protocol", protocol_name((enum protocol)s->mapping.protocol));
	if (choice != NULL) {
		fputc(',', out);
		put_label(out, m->label, choice);
	}
	if (m->divisor > 1)
		fprintf(out, "} %.9g\n", (double)value / m->divisor);
	else
		fprintf(out, "} %" PRIu64 "\n", value);
}

static void
put_choices(FILE *out, const struct record_field *f, const struct service *s)
{
	char word[RECORD_VALUE_SIZE];
	uint64_t value;
	unsigned int i;

	record_value(f, s, word);
	for (i = 0; f->choice(i) != NULL; i++) {
		value = f->kind == RECORD_COUNTS ? f->count(s, i) : strcmp(word, f->choice(i)) == 0;
		put_sample(out, &f->metric, s, f->choice(i), value);
	}
}

static void
put_field(FILE *out, const struct record_field *f)
{
	const struct service *s;

	put_family(out, MAPPING_PREFIX, f->metric.name, f->metric.help);
	TAILQ_FOREACH (s, services_all(), entry) {
		if (f->choice != NULL)
			put_choices(out, f, s);
		else if (!f->metric.may_be_unknown || f->number(s) != 0)
			put_sample(out, &f->metric, s, NULL, f->number(s));
	}
}

static void
put_daemon(FILE *out)
{
	put_family(out, "natter_", "build_info", "The version of natterd that runs; the value is 1.");
	fputs("natter_build_info{", out);
	put_label(out, "version", NATTER_VERSION);
	fputs("} 1\n", out);
	put_family(out, "natter_", "start_time_seconds", "When natterd started, in Unix time: counters began at 0 then.");
	fprintf(out, "natter_start_time_seconds %" PRId64 "\n", (int64_t)started);
}

char *
metrics_text(void)
{
	const struct record_field *f;
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (out == NULL)
		fatal("out of memory");
	put_daemon(out);
	for (f = record_fields; f->name != NULL; f++)
		if (f->metric.name != NULL)
			put_field(out, f);
	return alloc_text_end(out, &text);
}
