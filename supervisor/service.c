/* SPDX-License-Identifier: ISC */
/*
 * The table of mappings and its policy; see service.h.  What a worker sends is
 * gossip from a process that a stranger may have taken over: whatever breaks
 * the rules of message.h or report.h costs that worker its life and nothing else.
 */
#include "service.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "alloc.h"
#include "broker.h"
#include "hook.h"
#include "log.h"
#include "message.h"
#include "publish.h"
#include "resolve.h"
#include "spawn.h"
#include "text.h"

#define BACKOFF_MAX 60
static const struct timeval healthy_time = {.tv_sec = 60};
/* So many log lines a second may one worker write. */
#define LOG_CREDIT 20
/* Workers leave at once when their socket closes; this is for one that hangs. */
#define STOP_MS 500
/* Messages taken from one worker before the others' turn. */
#define MESSAGES_A_TURN 16

static struct {
	struct event_base *base;
	struct services list;
} services = {.list = TAILQ_HEAD_INITIALIZER(services.list)};

struct services *
services_all(void)
{
	return &services.list;
}

struct service *
service_find(const char *name)
{
	struct service *s;

	TAILQ_FOREACH(s, &services.list, entry)
		if (strcmp(s->mapping.name, name) == 0)
			return s;
	return NULL;
}

static void
replace_report(struct service *s, const struct report *new)
{
	struct report old = s->report;

	s->report = *new;
	publish_report(s, &old);
}

/* What is reported while there is no worker that could. */
static void
report_no_worker(struct service *s, const char *why)
{
	struct report r;

	memset(&r, 0, sizeof(r));
	r.state = STATE_BACKOFF;
	text_copy_printable(r.error, sizeof(r.error), why, strlen(why));
	replace_report(s, &r);
}

/* The end of the socket is the worker's end; spawn.c tells when it is gone. */
static void
end_worker(struct service *s)
{
	if (s->readable != NULL)
		event_free(s->readable);
	s->readable = NULL;
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
}

/* One that closed its socket and lives on would never be replaced; one that is
 * ending keeps its own status. */
static void
lose_worker(struct service *s)
{
	end_worker(s);
	if (s->pid > 0)
		kill(s->pid, SIGKILL);
}

static void
kill_worker(struct service *s, const char *why)
{
	log_error("%s: its worker %s: it is replaced", s->mapping.name, why);
	lose_worker(s);
}

static void
send_servers(struct service *s)
{
	if (s->fd >= 0 && message_send(s->fd, MESSAGE_SERVERS, &s->servers, sizeof(s->servers), -1) < 0 &&
	    errno == EAGAIN)
		kill_worker(s, "does not read");
}

static void
answer_socket(struct service *s, const struct message *m)
{
	struct socket_answer answer = {0};
	int fd;

	uint32_t most = mapping_is_served(&s->mapping) ? SOCKET_SERVE : SOCKET_FRESH;

	if (m->length != sizeof(m->socket_request) || m->socket_request.use > most) {
		kill_worker(s, "sent a malformed wish for a socket");
		return;
	}
	fd = broker_make_socket(&s->mapping, (enum socket_use)m->socket_request.use);
	answer.error = fd < 0 ? (uint32_t)errno : 0;
	if (message_send(s->fd, MESSAGE_SOCKET, &answer, sizeof(answer), fd) < 0 && errno == EAGAIN)
		kill_worker(s, "does not read");
	if (fd >= 0)
		close(fd);
}

/* The inner address goes into hooks: it must be one that the mapping can have. */
static bool
is_own_address(const struct service *s, const struct report *r)
{
	const struct addr *bound = &s->mapping.bind;

	if (addr_is_set(&r->outer) && r->outer.sa.sa_family != bound->sa.sa_family)
		return false;
	if (!addr_is_set(&r->inner))
		return true;
	return r->inner.sa.sa_family == bound->sa.sa_family && addr_port(&r->inner) == addr_port(bound) &&
	       (addr_is_wildcard(bound) || addr_same_ip(&r->inner, bound));
}

static void
take_report(struct service *s, const struct message *m)
{
	if (m->length != sizeof(m->report) || !report_is_valid(&m->report) || !is_own_address(s, &m->report))
		kill_worker(s, "sent a malformed report");
	else
		replace_report(s, &m->report);
}

static void
take_log_line(struct service *s, const struct message *m)
{
	size_t size = m->length - offsetof(struct log_record, text);
	time_t now = time(NULL);

	if (m->length <= offsetof(struct log_record, text) || m->length > sizeof(m->log) || m->log.level >= LOG_LEVEL_COUNT ||
	    !text_is_printable(m->log.text, size)) {
		kill_worker(s, "sent a malformed log line");
		return;
	}
	if (now != s->log_second) {
		if (s->log_dropped > 0)
			log_warning("%s: %u more lines were left out", s->mapping.name, s->log_dropped);
		s->log_second = now;
		s->log_credit = LOG_CREDIT;
		s->log_dropped = 0;
	}
	if (s->log_credit == 0) {
		s->log_dropped++;
		return;
	}
	s->log_credit--;
	log_at((enum log_level)m->log.level, "%s: %s", s->mapping.name, m->log.text);
}

static void
dispatch(struct service *s, const struct message *m)
{
	switch (m->fd >= 0 ? UINT32_MAX : m->kind) {
	case MESSAGE_SOCKET:
		answer_socket(s, m);
		break;
	case MESSAGE_REPORT:
		take_report(s, m);
		break;
	case MESSAGE_LOG:
		take_log_line(s, m);
		break;
	default:
		kill_worker(s, "sent what no worker may send");
		break;
	}
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct service *s = arg;
	struct message m;
	int i, n;

	(void)fd;
	(void)what;
	for (i = 0; i < MESSAGES_A_TURN && s->fd >= 0; i++) {
		n = message_receive(s->fd, &m);
		if (n == 1) {
			dispatch(s, &m);
			if (m.fd >= 0)
				close(m.fd);
		} else {
			if (n == 0)
				lose_worker(s);
			else if (errno != EAGAIN)
				kill_worker(s, "sent a malformed message");
			return;
		}
	}
}

/* 0, 1, 2, 4 .. 60 s: the first replacement comes at once. */
static void
schedule_restart(struct service *s)
{
	struct timeval t = {0};

	if (s->failures > 1)
		t.tv_sec = s->failures > 7 ? BACKOFF_MAX : 1 << (s->failures - 2);
	event_add(s->restart, &t);
}

static void
start_worker(struct service *s)
{
	s->pid = spawn_worker(&s->fd);
	if (s->pid < 0) {
		s->pid = 0;
		s->failures++;
		log_error("%s: cannot start its worker: %s", s->mapping.name, strerror(errno));
		schedule_restart(s);
		return;
	}
	s->readable = event_new(services.base, s->fd, EV_READ | EV_PERSIST, on_readable, s);
	if (s->readable == NULL || event_add(s->readable, NULL) < 0)
		fatal("cannot watch a worker's socket");
	event_add(s->healthy, &healthy_time);
	/* An empty queue takes both; if not, the worker's end is noticed. */
	(void)message_send(s->fd, MESSAGE_MAPPING, &s->mapping, sizeof(s->mapping), -1);
	send_servers(s);
	log_debug("%s: worker %d started", s->mapping.name, (int)s->pid);
}

static void
on_restart(evutil_socket_t fd, short what, void *arg)
{
	struct service *s = arg;

	(void)fd;
	(void)what;
	s->restarts++;
	start_worker(s);
}

static void
on_healthy(evutil_socket_t fd, short what, void *arg)
{
	struct service *s = arg;

	(void)fd;
	(void)what;
	s->failures = 0;
}

static void
describe_end(int status, char *buf, size_t size)
{
	if (WIFEXITED(status) && WEXITSTATUS(status) == SPAWN_NO_EXEC)
		snprintf(buf, size, "its worker could not be executed");
	else if (WIFSIGNALED(status))
		snprintf(buf, size, "its worker was ended by signal %d (%s)", WTERMSIG(status),
		    strsignal(WTERMSIG(status)));
	else
		snprintf(buf, size, "its worker ended with status %d", WEXITSTATUS(status));
}

bool
services_reaped(pid_t pid, int wait_status)
{
	char why[160];
	struct service *s;

	TAILQ_FOREACH(s, &services.list, entry)
		if (s->pid == pid)
			break;
	if (s == NULL)
		return false;
	s->pid = 0;
	on_readable(-1, 0, s); /* its last words explain the end */
	end_worker(s);
	if (services.base == NULL)
		return true; /* we are leaving too */
	s->failures++;
	event_del(s->healthy);
	describe_end(wait_status, why, sizeof(why));
	report_no_worker(s, why);
	schedule_restart(s);
	return true;
}

static void
add_service(const struct config *config, const struct config_mapping *m)
{
	struct service *s = alloc_zero(sizeof(*s));

	s->mapping = m->mapping;
	s->config = m;
	s->fd = -1;
	s->state_since = time(NULL);
	s->restart = event_new(services.base, -1, 0, on_restart, s);
	s->healthy = event_new(services.base, -1, 0, on_healthy, s);
	if (s->restart == NULL || s->healthy == NULL)
		fatal("out of memory");
	if (m->hook != NULL)
		s->hook = hook_new(services.base, s, m->hook, config->directory);
	TAILQ_INSERT_TAIL(&services.list, s, entry);
}

void
services_start(struct event_base *base, const struct config *config)
{
	const struct config_mapping *m;
	struct service *s;

	services.base = base;
	TAILQ_FOREACH(m, &config->mappings, entry)
		add_service(config, m);
	TAILQ_FOREACH(s, &services.list, entry) {
		resolve_servers(s->config, &s->servers);
		start_worker(s);
	}
}

void
services_update_servers(void)
{
	struct servers servers;
	struct service *s;

	TAILQ_FOREACH(s, &services.list, entry) {
		resolve_servers(s->config, &servers);
		if (memcmp(&servers, &s->servers, sizeof(servers)) == 0)
			continue;
		s->servers = servers;
		send_servers(s);
	}
}

void
services_look_again(void)
{
	struct service *s;

	/* A worker that does not read is told by the next message that must be sent. */
	TAILQ_FOREACH(s, &services.list, entry)
		if (s->fd >= 0)
			(void)message_send(s->fd, MESSAGE_AGAIN, NULL, 0, -1);
}

static bool
any_worker_left(void)
{
	const struct service *s;

	TAILQ_FOREACH(s, &services.list, entry)
		if (s->pid != 0)
			return true;
	return false;
}

static void
wait_for_workers(void)
{
	struct service *s;
	int waited;

	for (waited = 0; waited < STOP_MS && any_worker_left(); waited += 5) {
		spawn_reap();
		poll(NULL, 0, 5);
	}
	TAILQ_FOREACH(s, &services.list, entry)
		if (s->pid != 0)
			kill(s->pid, SIGKILL);
}

void
services_stop(void)
{
	struct service *s;

	services.base = NULL;
	TAILQ_FOREACH(s, &services.list, entry) {
		hook_free(s->hook);
		s->hook = NULL;
		end_worker(s);
	}
	wait_for_workers();
}

void
services_free(void)
{
	struct service *s;

	while ((s = TAILQ_FIRST(&services.list)) != NULL) {
		TAILQ_REMOVE(&services.list, s, entry);
		event_free(s->restart);
		event_free(s->healthy);
		free(s);
	}
}
