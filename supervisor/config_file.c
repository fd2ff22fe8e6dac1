/* SPDX-License-Identifier: ISC */
/*
 * natter.cfg as text; see config_file.h.  What is known of libconfig 1.5 stands
 * here: it ends the program if it is made to read a directory, it crashes without
 * memory, it looks for included files in one directory only, it reads a number that
 * is too wide as another one, and the line that it gives the last element of an array is
 * that of the bracket behind it.
 */
#include "config_file.h"

#include <bsd/string.h>
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "alloc.h"
#include "config_include.h"
#include "config_mistake.h"
#include "config_scan.h"

/* More than libconfig takes for a file. */
#define MEMORY_LEAST ((size_t)1 << 20)
#define MEMORY_PER_BYTE 64
#define KEY_TEXT_SIZE 128
#define MISTAKE_SIZE 400

/* What libconfig says, and what to do about it. */
static const struct {
	const char *text;
	const char *advice;
} parse_errors[] = {
    {"syntax error", "look here and a line higher for a missing quote, bracket or \"=\" or a comma too many"},
    {"duplicate setting name", "this key stands twice in its group; keep one of the two"},
    {"mismatched element type in array", "put every element in quotes"},
    {"cannot open include file", "see that the file exists; its name is relative to the main file's directory"},
    {"include file nesting too deep", "see whether a file includes itself"},
};

/* Joins without a superfluous "./" or "/".  Returns 0, or -1 if it is too long. */
static int
join(const char *directory, const char *path, char out[PATH_MAX])
{
	const char *slash = directory[0] == '\0' || directory[strlen(directory) - 1] == '/' ? "" : "/";
	int length;

	while (strncmp(path, "./", 2) == 0)
		path += 2;
	length = snprintf(out, PATH_MAX, "%s%s%s", directory, slash, path);
	if (length < 0 || length >= PATH_MAX) {
		errno = ENAMETOOLONG;
		return -1;
	}
	return 0;
}

int
config_file_resolve(const struct config_file *file, const char *path, char out[PATH_MAX])
{
	return join(path[0] == '/' ? "" : file->directory, path, out);
}

/* Sets path and directory.  Symbolic links stay: who links natter.cfg to
 * another place means the paths in it from where the link is. */
static int
locate(struct config_file *file)
{
	char here[PATH_MAX] = "", *slash;

	if (file->name[0] != '/' && getcwd(here, sizeof(here)) == NULL)
		return -1;
	if (join(here, file->name, file->path) < 0)
		return -1;
	strlcpy(file->directory, file->path, sizeof(file->directory));
	slash = strrchr(file->directory, '/');
	slash[slash == file->directory ? 1 : 0] = '\0';
	return 0;
}

/* What to call the file of a setting: the main file, or an included one, whose
 * name stands relative to the main file's directory. */
static const char *
display_name(const struct config_file *file, const char *included, char buf[PATH_MAX])
{
	const char *slash = strrchr(file->name, '/');

	if (included == NULL || slash == NULL)
		return included != NULL ? included : file->name;
	snprintf(buf, PATH_MAX, "%.*s/%s", (int)(slash - file->name), file->name, included);
	return buf;
}

/* "stun_server.tcp"; an element of a list is called as its list is. */
static void
key_text(const config_setting_t *setting, char buf[KEY_TEXT_SIZE])
{
	const config_setting_t *parent = config_setting_parent(setting);

	if (parent == NULL) {
		buf[0] = '\0';
		return;
	}
	key_text(parent, buf);
	if (config_setting_name(setting) == NULL)
		return;
	if (buf[0] != '\0')
		strlcat(buf, ".", KEY_TEXT_SIZE);
	strlcat(buf, config_setting_name(setting), KEY_TEXT_SIZE);
}

static bool
is_last_text_element(const config_setting_t *setting)
{
	const config_setting_t *parent = config_setting_parent(setting);

	return parent != NULL && config_setting_type(parent) != CONFIG_TYPE_GROUP &&
	    config_setting_type(setting) == CONFIG_TYPE_STRING &&
	    config_setting_index(setting) == config_setting_length(parent) - 1;
}

/* The absolute path of what display_name calls a file. */
static void
path_of(const struct config_file *file, const char *included, char out[PATH_MAX])
{
	if (included == NULL || config_file_resolve(file, included, out) < 0)
		strlcpy(out, file->path, PATH_MAX);
}

int
config_file_line(const struct config_file *file, const config_setting_t *setting)
{
	const char *included = config_setting_source_file(setting);
	char path[PATH_MAX];

	if (!is_last_text_element(setting))
		return (int)config_setting_source_line(setting);
	path_of(file, included, path);
	return config_scan_last_text(path, config_setting_get_string(setting), (int)config_setting_source_line(setting));
}

/* What a mistake in the setting is marked at, or "". */
static void
token_of(const config_setting_t *setting, char buf[KEY_TEXT_SIZE])
{
	const char *name = config_setting_name(setting);

	buf[0] = '\0';
	if (name != NULL)
		strlcpy(buf, name, KEY_TEXT_SIZE);
	else if (config_setting_is_group(setting))
		strlcpy(buf, "{", KEY_TEXT_SIZE);
	else if (config_setting_type(setting) == CONFIG_TYPE_STRING)
		snprintf(buf, KEY_TEXT_SIZE, "\"%s\"", config_setting_get_string(setting));
	else if (config_setting_is_number(setting))
		snprintf(buf, KEY_TEXT_SIZE, "%lld", config_setting_get_int64(setting));
}

/* Counts the settings on the line that are written with the token too, up to this one.
 * Returns whether it was met. */
static bool
count_before(const config_setting_t *from, const config_setting_t *to, const char *token, int line, unsigned int *count)
{
	char own[KEY_TEXT_SIZE];
	int i;

	if (from == to)
		return true;
	token_of(from, own);
	if (config_setting_source_file(from) == config_setting_source_file(to) &&
	    (int)config_setting_source_line(from) == line && strcmp(own, token) == 0)
		++*count;
	for (i = 0; config_setting_is_aggregate(from) && i < config_setting_length(from); i++)
		if (count_before(config_setting_get_elem(from, (unsigned int)i), to, token, line, count))
			return true;
	return false;
}

/* Counts a mistake and says where in which file it stands; the place's path is that file's. */
static void __attribute__((format(printf, 4, 5)))
say_at(struct config_file *file, const char *included, struct config_place place, const char *format, ...)
{
	char text[KEY_TEXT_SIZE + MISTAKE_SIZE], name[PATH_MAX], path[PATH_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	file->mistakes++;
	path_of(file, included, path);
	place.path = path;
	config_mistake_say(&place, "%s:%d: %s", display_name(file, included, name), place.line, text);
}

void
config_file_mistake(struct config_file *file, const config_setting_t *setting, const char *format, ...)
{
	char text[MISTAKE_SIZE], key[KEY_TEXT_SIZE], token[KEY_TEXT_SIZE];
	struct config_place place = {.token = token};
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (setting == NULL) {
		file->mistakes++;
		config_mistake_say(NULL, "%s: %s", file->name, text);
		return;
	}
	key_text(setting, key);
	token_of(setting, token);
	place.line = config_file_line(file, setting);
	count_before(config_root_setting(&file->parsed), setting, token, place.line, &place.nth);
	say_at(file, config_setting_source_file(setting), place, "%s: %s", key, text);
}

/* v0.9's format begins like this, and its users will try. */
static bool
looks_like_json(FILE *stream)
{
	char c = '\0';

	rewind(stream);
	return fscanf(stream, " %c", &c) == 1 && c == '{';
}

static void
report_parse_error(struct config_file *file, FILE *stream)
{
	const char *text = config_error_text(&file->parsed), *advice = "see natter.cfg(5)";
	struct config_place place = {.line = config_error_line(&file->parsed)};
	size_t i;

	for (i = 0; i < sizeof(parse_errors) / sizeof(parse_errors[0]); i++)
		if (strcmp(text, parse_errors[i].text) == 0)
			advice = parse_errors[i].advice;
	if (looks_like_json(stream))
		advice = "this looks like JSON; \"natterctl import FILE\" makes a natter.cfg of v0.9's configuration";
	say_at(file, config_error_file(&file->parsed), place, "%s: %s", text, advice);
}

/* Keeps libconfig from reading a directory.  With a byte of 0 in the name of an included file it would read another one
 * than is looked at here. */
static int
check_is_text(void *context, const char *included, const char *path)
{
	struct config_file *file = context;
	struct config_place place = {.line = config_scan_zero(path)};
	struct stat st;

	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
		config_file_mistake(file, NULL, "includes %s, which is a directory; include the files in it one by one", path);
		return -1;
	}
	if (place.line == 0)
		return 0;
	say_at(file, included, place, "a byte of 0 in this line; write a text file");
	return -1;
}

static int
check_files(struct config_file *file)
{
	if (config_include_each(file, check_is_text, file) == 0)
		return 0;
	if (file->mistakes == 0)
		config_file_mistake(file, NULL, "includes more than %d files; see whether a file includes itself",
		    CONFIG_INCLUDES_MAX);
	return -1;
}

static int
refuse_wide_numbers(void *context, const char *included, const char *path)
{
	struct config_file *file = context;
	char number[CONFIG_SCAN_NUMBER_SIZE];
	struct config_place place = {.token = number};

	while (config_scan_wide_number(path, &place.line, number))
		say_at(file, included, place, "%s is out of every key's range", number);
	return 0;
}

static int
parse(struct config_file *file, FILE *stream, size_t length)
{
	if (!alloc_is_possible(MEMORY_LEAST + MEMORY_PER_BYTE * length)) {
		config_file_mistake(file, NULL, "cannot be read: %s", strerror(ENOMEM));
		return -1;
	}
	if (check_files(file) < 0)
		return -1;
	config_set_include_dir(&file->parsed, file->directory);
	if (config_read(&file->parsed, stream) != CONFIG_TRUE) {
		report_parse_error(file, stream);
		return -1;
	}
	config_include_each(file, refuse_wide_numbers, file);
	return file->mistakes == 0 ? 0 : -1;
}

int
config_file_open(struct config_file *file, const char *name)
{
	FILE *stream;
	struct stat st = {0};
	int result;

	memset(file, 0, sizeof(*file));
	file->name = name;
	config_init(&file->parsed);
	if (locate(file) < 0 || (stream = fopen(name, "re")) == NULL) {
		config_file_mistake(file, NULL, "cannot be read: %s; -c names another file", strerror(errno));
		return -1;
	}
	if (fstat(fileno(stream), &st) == 0 && S_ISDIR(st.st_mode)) {
		config_file_mistake(file, NULL, "is a directory; name the file in it");
		result = -1;
	} else {
		result = parse(file, stream, (size_t)st.st_size);
	}
	fclose(stream);
	return result;
}

void
config_file_close(struct config_file *file)
{
	config_destroy(&file->parsed);
}
