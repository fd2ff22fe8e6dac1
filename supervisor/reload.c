/* SPDX-License-Identifier: ISC */
/*
 * Another configuration for a natterd that runs; see reload.h.
 */
#include "reload.h"

#include <bsd/string.h>
#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "alloc.h"
#include "config_mistake.h"
#include "control.h"
#include "control_commands.h"
#include "files.h"
#include "log.h"
#include "logger.h"
#include "message.h"
#include "notify.h"
#include "ports.h"
#include "status.h"

static struct {
	struct event_base *base;
	const struct options *options;
	struct config **config;
} reload;

static const struct {
	const char *name;
	size_t offset; /* of a char * in struct config */
} fixed[RELOAD_FIXED_COUNT] = {
    {"user", offsetof(struct config, user)},
    {"control_socket", offsetof(struct config, control_socket)},
    {"pid_file", offsetof(struct config, pid_file)},
    {"state_dir", offsetof(struct config, state_dir)},
};

static void
add_mistake(void *context, const char *text)
{
	struct reload_result *r = context;

	log_error("%s", text);
	r->mistakes = reallocarray(r->mistakes, r->mistake_count + 1, sizeof(*r->mistakes));
	if (r->mistakes == NULL)
		fatal("natterd: out of memory");
	r->mistakes[r->mistake_count++] = alloc_string(text);
}

static void __attribute__((format(printf, 2, 3)))
refuse(struct reload_result *r, const char *format, ...)
{
	char text[LOG_TEXT_SIZE];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	add_mistake(r, text);
}

/* A pipe would be waited for, and has been read anyway. */
static struct config *
read_file(const char *path, struct reload_result *r)
{
	struct config *config;
	struct stat st;

	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode)) {
		refuse(r, "%s: is no regular file, and so can be read only once; restart natterd to change it", path);
		return NULL;
	}
	config_mistake_send(add_mistake, r);
	config = config_load(path);
	config_mistake_send(NULL, NULL);
	return config;
}

static char **
text_of(struct config *config, size_t i)
{
	return (char **)(void *)((char *)config + fixed[i].offset);
}

static void
keep_fixed(struct config *new, struct config *old, struct reload_result *r)
{
	struct config_mapping *m;
	size_t i;

	for (i = 0; i < RELOAD_FIXED_COUNT; i++) {
		char **text = text_of(new, i), *kept = *text_of(old, i);

		if (strcmp(*text, kept) == 0)
			continue;
		r->needs_restart[r->needs_restart_count++] = fixed[i].name;
		free(*text);
		*text = alloc_string(kept);
	}
	new->uid = old->uid;
	new->gid = old->gid;
	TAILQ_FOREACH(m, &new->mappings, entry) {
		m->mapping.uid = new->uid;
		m->mapping.gid = new->gid;
	}
}

/* What may still fail. */
static int
prepare(struct config *new, struct reload_result *r)
{
	if (reload.options->verbose > 0)
		config_set_log_level(new, LOG_LEVEL_DEBUG);
	if (ports_assign(new) < 0) {
		refuse(r, "%s: no port could be found for a mapping; natterd's log says for which", new->file);
		return -1;
	}
	if (!reload.options->foreground && logger_choose(new->log_file) < 0) {
		refuse(r, "%s: cannot open the log file %s: %s", new->file, new->log_file, files_why(errno));
		return -1;
	}
	return 0;
}

/* The old file ends as it would if natterd did. */
static void
change_status_file(const char *old, const char *new)
{
	if (old == NULL || new == NULL ? old == new : strcmp(old, new) == 0)
		return;
	status_write_stopped();
	status_set_file(reload.base, new);
}

static void
use(struct config *new, struct reload_result *r)
{
	struct config *old = *reload.config;

	log_set_level(new->log_level);
	change_status_file(old->status_file, new->status_file);
	ports_use(new);
	r->counts = reload_services(new, !control_commands_use(new));
	status_write_soon();
	*reload.config = new;
	config_free(old);
	control_report(NULL, NULL);
}

static void
say_result(const struct reload_result *r)
{
	const struct config *config = *reload.config;
	char text[RELOAD_TEXT_SIZE];

	if (!r->done) {
		log_error("natterd: %s is refused and nothing has changed", config->file);
		return;
	}
	log_info("natterd: read %s again: %s", config->file, reload_text(r, text));
	if (config->mapping_count == 0)
		log_warning("natterd: %s has no mapping: there is nothing to do", config->file);
}

void
reload_now(struct reload_result *result)
{
	struct config *old = *reload.config, *new;

	memset(result, 0, sizeof(*result));
	notify_reloading();
	new = read_file(old->file, result);
	if (new != NULL) {
		keep_fixed(new, old, result);
		result->done = prepare(new, result) == 0;
		if (result->done)
			use(new, result);
		else
			config_free(new);
	}
	say_result(result);
	notify_ready();
}

void
reload_result_free(struct reload_result *result)
{
	size_t i;

	for (i = 0; i < result->mistake_count; i++)
		free(result->mistakes[i]);
	free(result->mistakes);
}

const char *
reload_text(const struct reload_result *r, char buf[RELOAD_TEXT_SIZE])
{
	const struct reload_counts *c = &r->counts;
	size_t i;

	snprintf(buf, RELOAD_TEXT_SIZE, "%u mapping%s kept, %u changed, %u replaced, %u added, %u removed", c->kept,
	    c->kept == 1 ? "" : "s", c->changed, c->replaced, c->added, c->removed);
	for (i = 0; i < r->needs_restart_count; i++) {
		strlcat(buf, i == 0 ? "; needs a restart: " : ", ", RELOAD_TEXT_SIZE);
		strlcat(buf, r->needs_restart[i], RELOAD_TEXT_SIZE);
	}
	return buf;
}

void
reload_open(struct event_base *base, const struct options *options, struct config **config)
{
	reload.base = base;
	reload.options = options;
	reload.config = config;
}
