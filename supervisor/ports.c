/* SPDX-License-Identifier: ISC */
/*
 * Choosing and remembering ports; see ports.h.
 */
#include "ports.h"

#include <bsd/stdlib.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "broker.h"
#include "files.h"
#include "log.h"

/* Above what services and their alternates commonly use. */
#define PORT_FIRST 10240
#define PORT_LAST 65535
/* Many, as most of the range may be in use. */
#define TRIES 1000

/* From a write of the memory that failed to the next try. */
static const struct timeval retry_time = {.tv_sec = 5};

static struct {
	struct config *config; /* in use, or NULL */
	char path[PATH_MAX];
	struct event *retry; /* to remember */
	bool failing;        /* the last try failed, and the log has it */
} ports;

struct range {
	unsigned int first, last;
};

/* The kernel gives these to outgoing connections: one of them may be taken at
 * any later start. */
static struct range
read_ephemeral_range(void)
{
	struct range r = {0, 0};
	FILE *file = fopen("/proc/sys/net/ipv4/ip_local_port_range", "re");

	if (file == NULL)
		return r;
	if (fscanf(file, "%u %u", &r.first, &r.last) != 2)
		r.first = r.last = 0;
	fclose(file);
	return r;
}

static bool
is_taken(const struct config *config, const struct mapping *wanted, uint16_t port)
{
	const struct config_mapping *m;

	TAILQ_FOREACH(m, &config->mappings, entry)
		if (m->mapping.protocol == wanted->protocol && addr_port(&m->mapping.bind) == port)
			return true;
	return false;
}

/* Random, because two machines behind one NAT with the same inside port cannot
 * both keep it as their outside port. */
int
ports_choose(const struct config *config, struct mapping *mapping)
{
	struct range ephemeral = read_ephemeral_range();
	int i;

	errno = EADDRINUSE; /* unless a try says otherwise */
	for (i = 0; i < TRIES; i++) {
		uint16_t port = (uint16_t)(PORT_FIRST + arc4random_uniform(PORT_LAST - PORT_FIRST + 1));

		/* Where nearly all ports are ephemeral, one of them is better than none. */
		if (i < TRIES / 2 && port >= ephemeral.first && port <= ephemeral.last)
			continue;
		if (is_taken(config, mapping, port))
			continue;
		addr_set_port(&mapping->bind, port);
		if (broker_try_port(mapping, false) == 0)
			return 0;
		if (errno != EADDRINUSE)
			break; /* no port of this address can be had */
	}
	addr_set_port(&mapping->bind, 0);
	return -1;
}

/* Returns the port, or 0 if none is remembered. */
static uint16_t
find_remembered(const char *path, const struct mapping *mapping)
{
	char protocol[8], name[MAPPING_NAME_SIZE], line[256];
	unsigned int port, found = 0;
	FILE *file = fopen(path, "re");

	if (file == NULL) {
		if (errno != ENOENT)
			log_warning("natterd: cannot read the remembered ports in %s: %s", path, strerror(errno));
		return 0;
	}
	_Static_assert(MAPPING_NAME_SIZE == 64, "the width in the format below");
	while (found == 0 && fgets(line, sizeof(line), file) != NULL)
		if (sscanf(line, "%7s %63s %5u", protocol, name, &port) == 3 && port >= 1 && port <= 65535 &&
		    strcmp(protocol, protocol_name(mapping->protocol)) == 0 && strcmp(name, mapping->name) == 0)
			found = port;
	fclose(file);
	return (uint16_t)found;
}

/* The one of that name; NULL: there is none. */
static struct config_mapping *
find_named(const struct config *config, const char *name)
{
	struct config_mapping *m;

	if (config == NULL)
		return NULL;
	TAILQ_FOREACH(m, &config->mappings, entry)
		if (strcmp(m->mapping.name, name) == 0)
			return m;
	return NULL;
}

/* The same mapping as it is in use; NULL: it is not. */
static const struct config_mapping *
find_used(const struct mapping *mapping)
{
	const struct config_mapping *m = find_named(ports.config, mapping->name);

	return m != NULL && m->mapping.protocol == mapping->protocol ? m : NULL;
}

static bool
leads_alike(const struct mapping *a, const struct mapping *b)
{
	return a->protocol == b->protocol && addr_same_ip(&a->bind, &b->bind) && addr_equal(&a->target, &b->target);
}

/* One in use that goes away and is the same but for its name, of which only where it leads can
 * tell; NULL: there is none. */
static const struct config_mapping *
find_renamed(const struct config *config, const struct mapping *mapping)
{
	const struct config_mapping *m;

	if (ports.config == NULL)
		return NULL;
	TAILQ_FOREACH(m, &ports.config->mappings, entry)
		if (m->chooses_port && leads_alike(&m->mapping, mapping) && find_named(config, m->mapping.name) == NULL &&
		    !is_taken(config, mapping, addr_port(&m->mapping.bind)))
			return m;
	return NULL;
}

/* A port that is natterd's already is not tried. */
static bool
keep_port(const struct config *config, struct mapping *mapping, bool *chosen)
{
	const struct config_mapping *used = find_used(mapping), *kept = used != NULL ? used : find_renamed(config, mapping);

	if (kept == NULL || is_taken(config, mapping, addr_port(&kept->mapping.bind)))
		return false;
	addr_set_port(&mapping->bind, addr_port(&kept->mapping.bind));
	*chosen = *chosen || kept != used || !kept->chooses_port;
	return true;
}

/* The remembered port, even while another program has it, would be best: but
 * only a port that can be bound opens anything. */
static int
assign_port(const struct config *config, const char *path, struct mapping *mapping, bool *chosen)
{
	uint16_t port;

	if (keep_port(config, mapping, chosen))
		return 0;
	port = find_remembered(path, mapping);
	if (port != 0 && !is_taken(config, mapping, port)) {
		addr_set_port(&mapping->bind, port);
		if (broker_try_port(mapping, true) == 0)
			return 0;
		log_warning("%s: the remembered port %u cannot be had (%s): another one is chosen", mapping->name, port,
		    strerror(errno));
		addr_set_port(&mapping->bind, 0);
	}
	*chosen = true;
	if (ports_choose(config, mapping) == 0) {
		log_info("%s: chose port %u, to be kept from now on", mapping->name, addr_port(&mapping->bind));
		return 0;
	}
	log_error("%s: no free %s port could be found: %s", mapping->name, protocol_name(mapping->protocol),
	    strerror(errno));
	return -1;
}

/* The lines of mappings that natter.cfg does not have now: they may come back.  Returns 0, or -1 with errno. */
static int
copy_others(FILE *out, const struct config *config, const char *path)
{
	char line[256], protocol[8], name[MAPPING_NAME_SIZE];
	const struct config_mapping *m;
	FILE *old = fopen(path, "re");
	bool failed;

	if (old == NULL)
		return errno == ENOENT ? 0 : -1;
	while (fgets(line, sizeof(line), old) != NULL) {
		if (sscanf(line, "%7s %63s", protocol, name) != 2)
			continue;
		m = find_named(config, name);
		if (m == NULL || strcmp(protocol_name(m->mapping.protocol), protocol) != 0)
			fputs(line, out);
	}
	failed = ferror(old) != 0;
	fclose(old);
	errno = EIO;
	return failed ? -1 : 0;
}

/* The whole file, to be freed; NULL with errno. */
static char *
make_memory(const struct config *config, const char *path, size_t *length)
{
	char *text = NULL;
	const struct config_mapping *m;
	FILE *out = open_memstream(&text, length);
	bool lost;
	int error;

	if (out == NULL)
		return NULL;
	TAILQ_FOREACH(m, &config->mappings, entry)
		if (m->chooses_port)
			fprintf(out, "%s %s %u\n", protocol_name(m->mapping.protocol), m->mapping.name,
			    addr_port(&m->mapping.bind));
	error = copy_others(out, config, path) < 0 ? errno : 0;
	lost = ferror(out) != 0;
	if (fclose(out) != 0 || lost || text == NULL)
		error = ENOMEM;
	if (error == 0)
		return text;
	free(text);
	errno = error;
	return NULL;
}

static int
write_memory(const struct config *config, const char *path)
{
	size_t length = 0;
	char *text = make_memory(config, path, &length);
	int result, error;

	if (text == NULL)
		return -1;
	result = files_make_parent(path) < 0 ? -1 : files_write_atomically(path, text, length, 0644);
	error = errno;
	free(text);
	errno = error;
	return result;
}

static void
remember(const struct config *config, const char *path)
{
	bool failed = write_memory(config, path) < 0;
	int error = errno;

	evtimer_del(ports.retry);
	if (failed) {
		log_at(ports.failing ? LOG_LEVEL_DEBUG : LOG_LEVEL_WARNING,
		    "natterd: cannot remember the chosen ports in %s (%s): until it can, which is tried every %d s, they "
		    "would change at the next start",
		    path, files_why(error), (int)retry_time.tv_sec);
		evtimer_add(ports.retry, &retry_time);
	} else if (ports.failing) {
		log_info("natterd: the chosen ports are remembered in %s", path);
	}
	ports.failing = failed;
}

int
ports_assign(struct config *config)
{
	struct config_mapping *m;
	bool chosen = false;
	int result = 0;

	if (snprintf(ports.path, sizeof(ports.path), "%s/ports", config->state_dir) >= (int)sizeof(ports.path))
		fatal("natterd: the name of state_dir is too long: %s", config->state_dir);
	if (ports.config == NULL)
		files_remove_leftovers(ports.path);
	TAILQ_FOREACH(m, &config->mappings, entry) {
		m->chooses_port = addr_port(&m->mapping.bind) == 0;
		if (m->chooses_port && assign_port(config, ports.path, &m->mapping, &chosen) < 0)
			result = -1;
	}
	if (chosen && result == 0)
		remember(config, ports.path);
	return result;
}

static void
on_retry(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	if (ports.config != NULL)
		remember(ports.config, ports.path);
}

void
ports_open(struct event_base *base)
{
	ports.retry = evtimer_new(base, on_retry, NULL);
	if (ports.retry == NULL)
		fatal("natterd: out of memory");
}

void
ports_close(void)
{
	event_free(ports.retry);
	ports.retry = NULL;
}

void
ports_use(struct config *config)
{
	ports.config = config;
}

bool
ports_is_chosen(const char *name)
{
	const struct config_mapping *m = find_named(ports.config, name);

	return m != NULL && m->chooses_port;
}

int
ports_replace(struct mapping *mapping)
{
	if (ports_choose(ports.config, mapping) < 0)
		return -1;
	addr_set_port(&find_named(ports.config, mapping->name)->mapping.bind, addr_port(&mapping->bind));
	remember(ports.config, ports.path);
	return 0;
}
