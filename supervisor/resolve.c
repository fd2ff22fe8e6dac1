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
#include "resolve_name.h"

#define RETRY_MAX 60
/* Public servers move: their addresses are looked up again after this. */
#define REFRESH_SECONDS 600

static struct {
	struct resolve_name *names;
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

static void take_failure(struct resolve_name *n, const char *why);
static void arm_timer(void);

struct resolve_name *
resolve_find(const char *host)
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
	struct resolve_name *n;

	if (resolve_find(host) != NULL)
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
start_look_up(struct resolve_name *n)
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
		struct resolve_name *n = &resolve.names[i];

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
take_failure(struct resolve_name *n, const char *why)
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
take_addresses(struct resolve_name *n, const struct lookup_answer *answer)
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
static struct resolve_name *
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
	struct resolve_name *n;

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
		struct resolve_name *n = &resolve.names[i];

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
		struct resolve_name *n = resolve_find(hosts->list[i].host);

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
		struct resolve_name *n = &resolve.names[i];

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
		const struct resolve_name *n = resolve_find(hosts->list[i].host);

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
