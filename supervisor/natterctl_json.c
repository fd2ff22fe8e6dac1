/* SPDX-License-Identifier: ISC */
/*
 * Reading JSON; see natterctl_json.h.  What is known of json-c 0.16 stands here:
 * of two members with one name it keeps the last, it ends a member's name at a
 * NUL, takes single quotes for double ones around it, rounds integers that have
 * more than 64 bits, and stops at a NUL behind the value.
 */
#include "natterctl_json.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "log.h"

/* No configuration is as large, and /dev/zero is larger. */
#define SOURCE_SIZE_MAX (1UL << 20)
/* Integers of so many digits fit into 64 bits. */
#define DIGITS_MAX 18

struct source {
	const char *name;
	char *text; /* length bytes and a NUL */
	size_t length;
};

const char *
natterctl_json_name(const char *file)
{
	return strcmp(file, "-") == 0 ? "standard input" : file;
}

/* Returns 0 with text, which is the caller's, or -1 after logging why not. */
static int
read_source(const char *file, struct source *source)
{
	FILE *stream = strcmp(file, "-") == 0 ? stdin : fopen(file, "re");
	int error = errno;

	source->name = natterctl_json_name(file);
	source->text = alloc_zero(SOURCE_SIZE_MAX + 2);
	source->length = 0;
	if (stream != NULL) {
		source->length = fread(source->text, 1, SOURCE_SIZE_MAX + 1, stream);
		error = ferror(stream) ? errno : 0;
		if (stream != stdin)
			fclose(stream);
	}
	if (error != 0)
		log_error("%s: cannot be read: %s", source->name, strerror(error));
	else if (source->length > SOURCE_SIZE_MAX)
		log_error("%s: is larger than 1 MB; name v0.9's configuration", source->name);
	else
		return 0;
	free(source->text);
	return -1;
}

/* Logs what is wrong at the byte at. */
static void
refuse(const struct source *source, size_t at, const char *key, const char *what)
{
	size_t i, line = 1, column = 1;

	for (i = 0; i < at && i < source->length; i++) {
		column = source->text[i] == '\n' ? 1 : column + 1;
		line += source->text[i] == '\n';
	}
	log_error("%s:%zu:%zu: %s%s%s", source->name, line, column, key, key[0] != '\0' ? ": " : "", what);
}

/* Any JSON value, or NULL. */
static struct json_object *
parse(const struct source *source)
{
	struct json_tokener *tokener = json_tokener_new();
	struct json_object *value;
	size_t end;

	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	/* With the NUL, which tells json-c that nothing follows. */
	value = json_tokener_parse_ex(tokener, source->text, (int)source->length + 1);
	end = json_tokener_get_parse_end(tokener);
	if (json_tokener_get_error(tokener) != json_tokener_success)
		refuse(source, end, "", json_tokener_error_desc(json_tokener_get_error(tokener)));
	else if (end < source->length)
		refuse(source, end, "", "here the JSON should end; take away what follows");
	else if (!json_object_is_type(value, json_type_object))
		refuse(source, 0, "", "v0.9's configuration is an object: { \"open_port\": { ... }, ... }");
	else {
		json_tokener_free(tokener);
		return value;
	}
	json_object_put(value);
	json_tokener_free(tokener);
	return NULL;
}

/* The quote that ends the text whose first quote is at start. */
static size_t
text_end(const struct source *source, size_t start)
{
	size_t i;

	for (i = start + 1; i < source->length && source->text[i] != '"'; i++)
		if (source->text[i] == '\\')
			i++;
	return i;
}

/* Remembers the name between the quotes at start and end among those of its
 * object, which must not have it yet. */
static int
add_name(const struct source *source, size_t start, size_t end, struct json_object *names)
{
	struct json_tokener *tokener = json_tokener_new();
	struct json_object *name = json_tokener_parse_ex(tokener, source->text + start, (int)(end - start + 1));
	const char *text = json_object_get_string(name), *what = NULL;

	if (text == NULL || strlen(text) != (size_t)json_object_get_string_len(name))
		what = "a key with a NUL character in it; take it away";
	else if (json_object_object_get_ex(names, text, NULL))
		what = "stands here for the second time in its group; keep the last, which v0.9 took, or join both";
	else
		json_object_object_add(names, text, NULL);
	if (what != NULL)
		refuse(source, start, text != NULL ? text : "", what);
	json_object_put(name);
	json_tokener_free(tokener);
	return what == NULL ? 0 : -1;
}

/* Moves *i to the last digit of an integer or a fraction. */
static int
check_digits(const struct source *source, size_t *i)
{
	size_t digits = strspn(source->text + *i, "0123456789");
	bool is_integer = strchr(".eE", source->text[*i + digits]) == NULL && source->text[*i - 1] != '.';

	if (digits > DIGITS_MAX && is_integer) {
		refuse(source, *i, "", "a number of more than 18 digits; put it in quotes");
		return -1;
	}
	*i += digits - 1;
	return 0;
}

/* One step of check_source; names has an object for each "{" that is open.
 * Moves *i over a text, whose quotes *start and *end then are. */
static int
check_byte(const struct source *source, struct json_object *names, size_t *i, size_t *start, size_t *end)
{
	size_t depth = json_object_array_length(names);

	switch (source->text[*i]) {
	case '"':
		*start = *i;
		*i = *end = text_end(source, *i);
		return 0;
	case '{':
		return json_object_array_add(names, json_object_new_object());
	case '}':
		return json_object_array_del_idx(names, depth - 1, 1);
	case ':':
		return add_name(source, *start, *end, json_object_array_get_idx(names, depth - 1));
	case '\'':
		refuse(source, *i, "", "a single quote; write double quotes");
		return -1;
	default:
		return isdigit((unsigned char)source->text[*i]) ? check_digits(source, i) : 0;
	}
}

/* Looks in text that json-c has accepted for what it would not tell. */
static int
check_source(const struct source *source)
{
	struct json_object *names = json_object_new_array();
	size_t i, start = 0, end = 0;
	int result = 0;

	for (i = 0; i < source->length && result == 0; i++)
		result = check_byte(source, names, &i, &start, &end);
	json_object_put(names);
	return result;
}

struct json_object *
natterctl_json_read(const char *file)
{
	struct source source;
	struct json_object *value;

	if (read_source(file, &source) < 0)
		return NULL;
	value = parse(&source);
	if (value != NULL && check_source(&source) < 0) {
		json_object_put(value);
		value = NULL;
	}
	free(source.text);
	return value;
}
