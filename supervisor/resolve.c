/* SPDX-License-Identifier: ISC */
/*
 * The names of all servers and what is known of them; see resolve.h.
 */
#include "resolve.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "jitter.h"
#include "log.h"
#include "lookup.h"

#define RETRY_MAX 60
/* Public servers move: their addresses are looked up again after this. */
#define REFRESH_SECONDS 600

struct name {
	uint32_t id; /* its own for ever: a child may answer when others are gone */
	char host[ADDR_HOST_SIZE];
	struct addr addresses[LOOKUP_ADDRESSES_MAX]; /* port 0 */
	uint32_t count;
	bool numeric;
	bool failing; /* the last look-up failed; logged once */
	bool answered; /* the last child wrote its answer */
	pid_t pid;     /* the child that is looking it up, or 0 */
};

static struct {
	struct name *names;
	size_t count;
	uint32_t next_id;
	int pipe[2]; /* a child writes to 1, we read from 0 */
	struct event *readable;
	struct event *timer;   /* to what failed */
	struct event *refresh; /* to all */
	unsigned int retry; /* seconds until the next look-up of what failed */
	uid_t uid; /* what a child becomes, if we are root */
	gid_t gid;
	void (*changed)(void);
} resolve = {.pipe = {-1, -1}};

static void take_failure(struct name *n, const char *why);
static void arm_timer(void);

static struct name *
find_name(const char *host)
{
	size_t i;

	for (i = 0; i < resolve.count; i++)
		if (strcmp(resolve.names[i].host, host) == 0)
			return &resolve.names[i];
	return NULL;
}

static void
add_name(const char *host)
{
	struct name *n;

	if (find_name(host) != NULL)
		return;
	n = reallocarray(resolve.names, resolve.count + 1, sizeof(*n));
	if (n == NULL)
		fatal("natterd: out of memory");
	resolve.names = n;
	n = &resolve.names[resolve.count++];
	memset(n, 0, sizeof(*n));
	n->id = resolve.next_id++;
	snprintf(n->host, sizeof(n->host), "%s", host);
	n->numeric = addr_parse(host, 0, &n->addresses[0]) == 0;
	n->count = n->numeric ? 1 : 0;
}

static void
add_names(const struct config_hosts *hosts)
{
	size_t i;

	for (i = 0; i < hosts->count; i++)
		add_name(hosts->list[i].host);
}

static void
start_look_up(struct name *n)
{
	pid_t pid = lookup_start(n->host, n->id, resolve.pipe[1], resolve.uid, resolve.gid);

	if (pid < 0)
		take_failure(n, strerror(errno));
	else
		n->pid = pid;
	n->answered = false;
}

static void
arm_timer(void)
{
	struct timeval t = jitter(resolve.retry);
	size_t i;

	for (i = 0; i < resolve.count; i++)
		if (resolve.names[i].failing && !event_pending(resolve.timer, EV_TIMEOUT, NULL))
			event_add(resolve.timer, &t);
}

static void
look_up_names(bool only_failing)
{
	size_t i;

	for (i = 0; i < resolve.count; i++) {
		struct name *n = &resolve.names[i];

		if (!n->numeric && n->pid == 0 && (n->failing || !only_failing))
			start_look_up(n);
	}
}

static int
arm_refresh(void)
{
	struct timeval t = jitter(REFRESH_SECONDS);

	return event_add(resolve.refresh, &t);
}

static void
on_refresh(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	look_up_names(false);
	(void)arm_refresh();
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	resolve_again();
	resolve.retry = resolve.retry * 2 < RETRY_MAX ? resolve.retry * 2 : RETRY_MAX;
	arm_timer();
}

void
resolve_again(void)
{
	look_up_names(true);
}

static void
take_failure(struct name *n, const char *why)
{
	bool is_new = !n->failing;

	if (is_new) {
		log_warning("natterd: cannot resolve %s: %s (trying again)", n->host, why);
		resolve.retry = 1;
	}
	n->failing = true;
	arm_timer();
	if (is_new && n->count == 0)
		resolve.changed();
}

static void
take_addresses(struct name *n, const struct lookup_answer *answer)
{
	char text[ADDR_TEXT_SIZE];

	if (n->failing)
		log_info("natterd: %s resolves again, to %s", n->host, addr_ip_text(&answer->addresses[0], text));
	n->failing = false;
	if (n->count == answer->count && memcmp(n->addresses, answer->addresses, sizeof(n->addresses)) == 0)
		return;
	n->count = answer->count;
	memcpy(n->addresses, answer->addresses, sizeof(n->addresses));
	resolve.changed();
}

/* NULL if it is forgotten. */
static struct name *
find_id(uint32_t id)
{
	size_t i;

	for (i = 0; i < resolve.count; i++)
		if (resolve.names[i].id == id)
			return &resolve.names[i];
	return NULL;
}

/* Returns false when there is nothing more to read. */
static bool
read_answer(void)
{
	struct lookup_answer answer;
	int result = lookup_read(resolve.pipe[0], &answer);
	struct name *n;

	if (result == 0)
		return false;
	if (result < 0 || answer.id >= resolve.next_id) {
		log_error("natterd: a look-up's answer is malformed and is ignored");
		return true;
	}
	n = find_id(answer.id);
	if (n == NULL)
		return true;
	n->answered = true;
	if (answer.count > 0)
		take_addresses(n, &answer);
	else
		take_failure(n, gai_strerror(answer.error));
	return true;
}

static void
on_answer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	while (read_answer())
		;
}

bool
resolve_reaped(pid_t pid)
{
	size_t i;

	on_answer(-1, 0, NULL); /* its end may be seen before its answer */
	for (i = 0; i < resolve.count; i++) {
		struct name *n = &resolve.names[i];

		if (n->pid != pid)
			continue;
		n->pid = 0;
		if (!n->answered)
			take_failure(n, "the look-up ended without an answer");
		return true;
	}
	return false;
}

void
resolve_add(const struct config_hosts *hosts)
{
	size_t i;

	add_names(hosts);
	for (i = 0; i < hosts->count; i++) {
		struct name *n = find_name(hosts->list[i].host);

		if (n->count == 0 && n->pid == 0)
			start_look_up(n);
	}
}

static bool
has_name(const struct config_hosts *hosts, const char *host)
{
	size_t i;

	for (i = 0; i < hosts->count; i++)
		if (strcmp(hosts->list[i].host, host) == 0)
			return true;
	return false;
}

/* The global lists are for NAT checks. */
static bool
is_wanted(const struct config *config, const char *host)
{
	const struct config_mapping *m;

	TAILQ_FOREACH(m, &config->mappings, entry)
		if (has_name(&m->stun, host) || has_name(&m->keep_alive, host))
			return true;
	return has_name(&config->stun[PROTOCOL_TCP], host) || has_name(&config->stun[PROTOCOL_UDP], host);
}

static void
forget_unwanted(const struct config *config)
{
	size_t i = 0;

	while (i < resolve.count) {
		struct name *n = &resolve.names[i];

		if (is_wanted(config, n->host)) {
			i++;
			continue;
		}
		if (n->pid > 0)
			kill(n->pid, SIGKILL);
		*n = resolve.names[--resolve.count];
	}
}

void
resolve_change(const struct config *config, bool forget)
{
	const struct config_mapping *m;

	if (forget)
		forget_unwanted(config);
	TAILQ_FOREACH(m, &config->mappings, entry) {
		resolve_add(&m->stun);
		resolve_add(&m->keep_alive);
	}
}

bool
resolve_is_settled(const struct config_hosts *hosts)
{
	size_t i;

	for (i = 0; i < hosts->count; i++) {
		const struct name *n = find_name(hosts->list[i].host);

		if (n == NULL || (n->count == 0 && !n->answered && (n->pid > 0 || !n->failing)))
			return false;
	}
	return true;
}

int
resolve_open(struct event_base *base, const struct config *config, void (*changed)(void))
{
	const struct config_mapping *m;

	resolve.changed = changed;
	resolve.uid = config->uid;
	resolve.gid = config->gid;
	resolve.retry = 1;
	TAILQ_FOREACH(m, &config->mappings, entry) {
		add_names(&m->stun);
		add_names(&m->keep_alive);
	}
	if (pipe2(resolve.pipe, O_CLOEXEC | O_NONBLOCK) < 0)
		return -1;
	resolve.readable = event_new(base, resolve.pipe[0], EV_READ | EV_PERSIST, on_answer, NULL);
	resolve.timer = event_new(base, -1, 0, on_timer, NULL);
	resolve.refresh = event_new(base, -1, 0, on_refresh, NULL);
	if (resolve.readable == NULL || resolve.timer == NULL || resolve.refresh == NULL ||
	    event_add(resolve.readable, NULL) < 0 || arm_refresh() < 0)
		return -1;
	look_up_names(false);
	return 0;
}

void
resolve_close(void)
{
	size_t i;

	for (i = 0; i < resolve.count; i++)
		if (resolve.names[i].pid > 0)
			kill(resolve.names[i].pid, SIGKILL);
	if (resolve.readable != NULL)
		event_free(resolve.readable);
	if (resolve.timer != NULL)
		event_free(resolve.timer);
	if (resolve.refresh != NULL)
		event_free(resolve.refresh);
	for (i = 0; i < 2; i++)
		if (resolve.pipe[i] >= 0)
			close(resolve.pipe[i]);
	free(resolve.names);
	memset(&resolve, 0, sizeof(resolve));
	resolve.pipe[0] = resolve.pipe[1] = -1;
}

/* As it would stand in a URL of HTTP: that is where a keep-alive needs it. */
static void
name_server(struct server *server, const struct config_host *h)
{
	bool v6 = strchr(h->host, ':') != NULL;
	int n = snprintf(server->name, sizeof(server->name), v6 ? "[%s]" : "%s", h->host);

	if (h->port != 80)
		snprintf(server->name + n, sizeof(server->name) - (size_t)n, ":%u", h->port);
}

/* The address number rank of each host, as long as there is room. */
static uint32_t
take_rank(const struct config_hosts *hosts, uint32_t rank, sa_family_t family, struct server *list, uint32_t count)
{
	size_t i;

	for (i = 0; i < hosts->count && count < SERVERS_MAX; i++) {
		const struct config_host *h = &hosts->list[i];
		const struct name *n = find_name(h->host);
		struct server *server = &list[count];
		uint32_t seen = 0, j;

		for (j = 0; n != NULL && j < n->count; j++) {
			if (n->addresses[j].sa.sa_family != family || seen++ != rank)
				continue;
			name_server(server, h);
			server->addr = n->addresses[j];
			addr_set_port(&server->addr, h->port);
			count++;
			break;
		}
	}
	return count;
}

static uint32_t
list_servers(const struct config_hosts *hosts, sa_family_t family, struct server *list)
{
	uint32_t rank, count = 0;

	for (rank = 0; rank < LOOKUP_ADDRESSES_MAX; rank++)
		count = take_rank(hosts, rank, family, list, count);
	return count;
}

void
resolve_stun(const struct config_hosts *hosts, sa_family_t family, struct servers *out)
{
	memset(out, 0, sizeof(*out));
	out->stun_count = list_servers(hosts, family, out->stun);
}

static uint32_t
count_unresolved(const struct config_hosts *hosts)
{
	size_t i;

	for (i = 0; i < hosts->count; i++) {
		const struct name *n = find_name(hosts->list[i].host);

		if (n == NULL || n->count > 0 || !n->failing)
			return 0;
	}
	return (uint32_t)hosts->count;
}

void
resolve_servers(const struct config_mapping *mapping, struct servers *out)
{
	sa_family_t family = mapping->mapping.bind.sa.sa_family;

	resolve_stun(&mapping->stun, family, out);
	out->stun_unresolved = count_unresolved(&mapping->stun);
	out->keep_alive_count = list_servers(&mapping->keep_alive, family, out->keep_alive);
}
