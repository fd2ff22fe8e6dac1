/* SPDX-License-Identifier: ISC */
/*
 * Follows @include as libconfig does; see config_include.h.
 */
#include "config_include.h"

#include <stdlib.h>
#include <string.h>

#include "config_scan.h"

/* As deep as libconfig follows @include. */
#define DEPTH_MAX 10

struct walk {
	const struct config_file *file;
	config_include_visitor *visit;
	void *context;
	unsigned int files; /* visited so far */
};

/* What libconfig takes for the name in an @include line, cut out of it: no backslash, but what follows one.  NULL: it is
 * no such line. */
static char *
included_name(char *line)
{
	char *name, *in, *out;

	line += strspn(line, " \t");
	if (strncmp(line, "@include", strlen("@include")) != 0 || (name = strchr(line, '"')) == NULL)
		return NULL;
	for (in = out = ++name; *in != '\0' && *in != '"'; in++) {
		if (*in == '\\' && in[1] != '\0')
			in++;
		*out++ = *in;
	}
	*out = '\0';
	return name;
}

static int
walk_from(struct walk *w, const char *included, const char *path, int depth)
{
	FILE *stream;
	char *line = NULL, *name, inner[PATH_MAX];
	size_t size = 0;
	int result = 0;

	if (++w->files > CONFIG_INCLUDES_MAX || w->visit(w->context, included, path) < 0)
		return -1;
	stream = config_scan_open(path);
	if (stream == NULL)
		return 0;
	while (result == 0 && depth < DEPTH_MAX && getline(&line, &size, stream) >= 0) {
		name = included_name(line);
		if (name != NULL && config_file_resolve(w->file, name, inner) == 0)
			result = walk_from(w, name, inner, depth + 1);
	}
	free(line);
	fclose(stream);
	return result;
}

int
config_include_each(const struct config_file *file, config_include_visitor *visit, void *context)
{
	struct walk w = {.file = file, .visit = visit, .context = context};

	return walk_from(&w, NULL, file->path, 0);
}
