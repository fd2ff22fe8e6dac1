/* SPDX-License-Identifier: ISC */
/*
 * Mark and sweep; see reload_services.h.  What ends does so first, so that whatever begins finds
 * its port free.
 */
#include "reload_services.h"

#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "config_compare.h"
#include "log.h"
#include "resolve.h"
#include "service.h"
#include "watch.h"

/* A mapping of the new configuration and the service that it has already; NULL: none. */
struct pair {
	const struct config_mapping *mapping;
	struct service *service;
};

struct pairs {
	struct pair *list;
	size_t count;
};

static struct pair *
find_pair(const struct pairs *p, const struct config_mapping *m)
{
	size_t i;

	for (i = 0; i < p->count; i++)
		if (p->list[i].mapping == m)
			return &p->list[i];
	return NULL;
}

static bool
is_marked(const struct pairs *p, const struct service *s)
{
	size_t i;

	for (i = 0; i < p->count; i++)
		if (p->list[i].service == s)
			return true;
	return false;
}

/* One that has only another name now keeps its hole. */
static void
mark_renamed(const struct pairs *p, const struct config *config)
{
	struct service *s;
	struct pair *pair;

	TAILQ_FOREACH(s, services_all(), entry) {
		if (is_marked(p, s))
			continue;
		pair = find_pair(p, config_find_place(config, &s->mapping));
		if (pair != NULL && pair->service == NULL)
			pair->service = s;
	}
}

static struct pairs
mark(const struct config *config)
{
	struct pairs p = {.list = alloc_zero((config->mapping_count + 1) * sizeof(*p.list))};
	const struct config_mapping *m;

	TAILQ_FOREACH(m, &config->mappings, entry) {
		p.list[p.count].mapping = m;
		p.list[p.count++].service = service_find(m->mapping.name);
	}
	mark_renamed(&p, config);
	return p;
}

static unsigned int
sweep(const struct pairs *p)
{
	struct service *s, *next;
	unsigned int removed = 0;

	for (s = TAILQ_FIRST(services_all()); s != NULL; s = next) {
		next = TAILQ_NEXT(s, entry);
		if (is_marked(p, s))
			continue;
		log_info("%s: removed, as it is not in natter.cfg any more", s->mapping.name);
		service_remove(s);
		removed++;
	}
	return removed;
}

static void
say_change(const struct service *s, const struct config_mapping *m)
{
	if (strcmp(s->mapping.name, m->mapping.name) != 0)
		log_info("%s: is called %s from now on", s->mapping.name, m->mapping.name);
	else
		log_info("%s: goes on with other settings", s->mapping.name);
}

static void
apply(struct service *s, const struct config *config, const struct config_mapping *m, struct reload_counts *counts)
{
	switch (config_compare(s->config, m)) {
	case CONFIG_SAME:
		counts->kept++;
		break;
	case CONFIG_CHANGED:
		counts->changed++;
		say_change(s, m);
		break;
	case CONFIG_MOVED:
		counts->replaced++;
		service_move(s, config, m);
		return;
	}
	service_change(s, config, m);
}

/* The table has the order of natter.cfg. */
static void
put_last(struct service *s)
{
	TAILQ_REMOVE(services_all(), s, entry);
	TAILQ_INSERT_TAIL(services_all(), s, entry);
}

/* New ones are only made, and not started yet. */
static void
apply_all(const struct pairs *p, const struct config *config, struct reload_counts *counts)
{
	size_t i;

	for (i = 0; i < p->count; i++)
		if (p->list[i].service != NULL)
			apply(p->list[i].service, config, p->list[i].mapping, counts);
	for (i = 0; i < p->count; i++) {
		if (p->list[i].service != NULL)
			put_last(p->list[i].service);
		else
			service_add(config, p->list[i].mapping);
	}
}

static unsigned int
begin_new(const struct pairs *p)
{
	struct service *s;
	unsigned int added = 0;

	TAILQ_FOREACH(s, services_all(), entry) {
		if (is_marked(p, s))
			continue;
		log_info("%s: added, as natter.cfg has it now", s->mapping.name);
		service_begin(s);
		added++;
	}
	return added;
}

struct reload_counts
reload_services(const struct config *config, bool forget)
{
	struct reload_counts counts = {0};
	struct pairs p = mark(config);
	const struct service *s;

	counts.removed = sweep(&p);
	apply_all(&p, config, &counts);
	resolve_change(config, forget);
	services_update_servers();
	counts.added = begin_new(&p);
	/* Who had the duty to watch may be gone, or behind another NAT. */
	TAILQ_FOREACH(s, services_all(), entry)
		watch_choose(s);
	free(p.list);
	return counts;
}
