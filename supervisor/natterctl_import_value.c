/* SPDX-License-Identifier: ISC */
/*
 * Values of a v0.9 configuration; see natterctl_import_value.h.
 */
#include "natterctl_import_value.h"

#include <stdarg.h>
#include <string.h>

#include "log.h"
#include "natterctl_cfg.h"

#define PATH_SIZE 64 /* two known keys */
#define MISTAKE_SIZE 300

void
natterctl_import_mistake(struct natterctl_import *im, const char *path, const char *format, ...)
{
	char text[MISTAKE_SIZE];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	im->mistakes++;
	log_error("%s: %s: %s", im->name, path, text);
}

const char *
natterctl_import_key(const char *path)
{
	const char *dot = strrchr(path, '.');

	return dot != NULL ? dot + 1 : path;
}

int
natterctl_import_depth(const char *path)
{
	return strchr(path, '.') != NULL;
}

static void
wrong_type(struct natterctl_import *im, const char *path, struct json_object *value, const char *wanted)
{
	natterctl_import_mistake(im, path, "must be %s, not %.100s", wanted,
	    json_object_to_json_string_ext(value, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
}

const char *
natterctl_import_text(struct natterctl_import *im, const char *path, struct json_object *value)
{
	const char *text;

	if (!json_object_is_type(value, json_type_string)) {
		wrong_type(im, path, value, "text in double quotes");
		return NULL;
	}
	text = json_object_get_string(value);
	if (strlen(text) == (size_t)json_object_get_string_len(value))
		return text;
	natterctl_import_mistake(im, path, "a NUL character is in it, which no setting can hold; take it away");
	return NULL;
}

bool
natterctl_import_is_list(struct natterctl_import *im, const char *path, struct json_object *value)
{
	if (json_object_is_type(value, json_type_array))
		return true;
	wrong_type(im, path, value, "a list: [ \"ONE\", \"ANOTHER\" ]");
	return false;
}

static bool
is_known(const struct natterctl_import_key *keys, const char *name)
{
	for (; keys->name != NULL; keys++)
		if (strcmp(keys->name, name) == 0)
			return true;
	return false;
}

static void
comment_unknown(struct natterctl_import *im, int depth, struct json_object *object,
    const struct natterctl_import_key *keys)
{
	bool first = true;

	json_object_object_foreach(object, name, value) {
		if (is_known(keys, name))
			continue;
		if (first) {
			if (depth == 0)
				fputc('\n', im->out);
			natterctl_cfg_comment(im->out, depth, NATTERCTL_CFG_NOT_TAKEN "v0.9 had no such key here.");
		}
		natterctl_cfg_comment_member(im->out, depth, name, value);
		first = false;
	}
}

void
natterctl_import_members(struct natterctl_import *im, const char *path, struct json_object *object,
    const struct natterctl_import_key *keys)
{
	const struct natterctl_import_key *key;
	struct json_object *value;
	char member[PATH_SIZE];

	for (key = keys; key->name != NULL; key++) {
		if (!json_object_object_get_ex(object, key->name, &value))
			continue;
		snprintf(member, sizeof(member), "%s%s%s", path, path[0] != '\0' ? "." : "", key->name);
		key->write(im, member, value);
	}
	comment_unknown(im, path[0] != '\0', object, keys);
}

void
natterctl_import_group(struct natterctl_import *im, const char *path, struct json_object *value,
    const struct natterctl_import_key *keys)
{
	if (!json_object_is_type(value, json_type_object)) {
		wrong_type(im, path, value, "a group: { \"KEY\": VALUE, ... }");
		return;
	}
	fprintf(im->out, "%s = {\n", path);
	natterctl_import_members(im, path, value, keys);
	fputs("};\n", im->out);
}
