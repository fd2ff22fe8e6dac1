/* SPDX-License-Identifier: ISC */
/*
 * The field table as the environment of a program; see record.h.
 */
#include <bsd/string.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "alloc.h"
#include "record.h"

#define VARIABLE_PREFIX "NATTER_"

static char *
make_variable(const struct record_field *field, const struct service *service)
{
	char text[RECORD_VALUE_SIZE + 64], name[32], value[RECORD_VALUE_SIZE];
	size_t i;

	strlcpy(name, field->name, sizeof(name));
	for (i = 0; name[i] != '\0'; i++)
		name[i] = (char)toupper((unsigned char)name[i]);
	snprintf(text, sizeof(text), VARIABLE_PREFIX "%s=%s", name, record_value(field, service, value));
	return alloc_string(text);
}

/* Is the variable "NAME=value" one that a field gives a value to? */
static bool
is_ours(const char *variable)
{
	const struct record_field *f;
	const char *name = variable + strlen(VARIABLE_PREFIX);
	size_t length = strcspn(variable, "=") - strlen(VARIABLE_PREFIX);

	if (strncmp(variable, VARIABLE_PREFIX, strlen(VARIABLE_PREFIX)) != 0)
		return false;
	for (f = record_fields; f->name != NULL; f++)
		if (strlen(f->name) == length && strncasecmp(name, f->name, length) == 0)
			return true;
	return false;
}

char **
record_environment(const struct service *service)
{
	const struct record_field *f;
	size_t count = 0, fields = 0, n = 0, i;
	char **all;

	while (environ[count] != NULL)
		count++;
	for (f = record_fields; f->name != NULL; f++)
		fields++;
	all = alloc_zero((count + fields + 1) * sizeof(*all));
	for (i = 0; i < count; i++)
		if (!is_ours(environ[i]))
			all[n++] = alloc_string(environ[i]);
	for (f = record_fields; f->name != NULL; f++)
		all[n++] = make_variable(f, service);
	return all;
}

void
record_environment_free(char **environment)
{
	char **p;

	for (p = environment; *p != NULL; p++)
		free(*p);
	free(environment);
}
