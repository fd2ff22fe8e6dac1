/* SPDX-License-Identifier: ISC */
/*
 * Workers and their sockets; see peer.h.
 */
#include "peer.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "broker.h"
#include "farewell.h"
#include "log.h"
#include "peer_look.h"
#include "spawn.h"
#include "stall.h"
#include "text.h"

/* Workers leave at once when their socket closes; this is for one that hangs. */
#define STOP_MS 500
/* Messages taken from one worker before the others' turn. */
#define MESSAGES_A_TURN 16

/* Those with a worker. */
static LIST_HEAD(, peer) peers = LIST_HEAD_INITIALIZER(peers);

void
peer_init(struct peer *p, const struct mapping *mapping, const struct peer_handlers *handlers, void *context)
{
	memset(p, 0, sizeof(*p));
	p->mapping = mapping;
	p->handlers = handlers;
	p->context = context;
	p->fd = -1;
}

void
peer_end(struct peer *p)
{
	if (p->readable != NULL)
		event_free(p->readable);
	p->readable = NULL;
	if (p->fd >= 0)
		stall_close(p->fd);
	p->fd = -1;
}

/* One that closed its socket and lives on would never be replaced; one that is
 * ending keeps its own status. */
void
peer_kill(struct peer *p)
{
	peer_end(p);
	if (p->pid > 0)
		kill(p->pid, SIGKILL);
}

void
peer_forget(struct peer *p)
{
	if (p->pid > 0)
		LIST_REMOVE(p, entry);
	peer_kill(p);
	p->pid = 0;
}

void
peer_dismiss(struct peer *p)
{
	if (p->pid > 0 && p->readable != NULL) {
		farewell_begin(event_get_base(p->readable), p->pid);
		LIST_REMOVE(p, entry);
		p->pid = 0;
	}
	peer_forget(p);
}

void
peer_refuse(struct peer *p, const char *why)
{
	log_error("%s: its worker %s and is ended", p->mapping->name, why);
	p->offence = why;
	peer_kill(p);
}

static int
send_record(struct peer *p, enum message_kind kind, const void *payload, size_t length, int fd)
{
	conduct_note_told(&p->conduct);
	return message_send(p->fd, kind, payload, length, fd);
}

/* What a worker must know. */
static void
tell(struct peer *p, enum message_kind kind, const void *payload, size_t length)
{
	if (p->fd >= 0 && send_record(p, kind, payload, length, -1) < 0 && errno == EAGAIN)
		peer_refuse(p, "does not read");
}

void
peer_send_mapping(struct peer *p)
{
	tell(p, MESSAGE_MAPPING, p->mapping, sizeof(*p->mapping));
}

void
peer_send_servers(struct peer *p, const struct servers *servers)
{
	callees_set_servers(&p->callees, servers);
	tell(p, MESSAGE_SERVERS, servers, sizeof(*servers));
}

void
peer_look_again(struct peer *p, enum again_reason reason)
{
	struct again again = {.reason = reason};

	/* A worker that does not read is told by the next message that must be sent. */
	if (p->fd >= 0)
		(void)send_record(p, MESSAGE_AGAIN, &again, sizeof(again), -1);
}

void
peer_send_duty(struct peer *p, bool watch)
{
	struct duty duty = {.watch = watch};

	p->watches = watch;
	tell(p, MESSAGE_DUTY, &duty, sizeof(duty));
}

/* Whom it is connected to: an address that a socket for this use can have as its peer, or none. */
static bool
is_peer(const struct mapping *mapping, const struct socket_request *r)
{
	if (r->to.sa.sa_family == AF_UNSPEC)
		return r->use != SOCKET_TARGET;
	return mapping->protocol == PROTOCOL_TCP && r->use != SOCKET_SERVE && addr_port(&r->to) != 0 &&
	       (r->use == SOCKET_TARGET || r->to.sa.sa_family == mapping->bind.sa.sa_family);
}

static bool
is_permitted(const struct mapping *mapping, const struct socket_request *r)
{
	switch (r->use) {
	case SOCKET_CONNECT:
	case SOCKET_FRESH:
	case SOCKET_SERVE:
		return is_peer(mapping, r);
	case SOCKET_KEEP:
	case SOCKET_TARGET:
		return mapping->protocol == PROTOCOL_TCP && is_peer(mapping, r);
	default:
		return false;
	}
}

/* Also if the mapping's address is gone. */
static int
make_socket(struct peer *p, enum socket_use use)
{
	struct mapping elsewhere = *p->mapping;
	int fd = broker_make_socket(p->mapping, use);

	if (p->interface == NULL)
		return fd;
	if (fd >= 0)
		interface_note_bound(p->interface);
	else if (errno == EADDRNOTAVAIL && interface_substitute(p->interface, &elsewhere) == 0)
		fd = broker_make_socket(&elsewhere, use);
	return fd;
}

/* It may have asked before it knew that its mapping has no target any more, or other servers. */
static bool
is_wanted(struct peer *p, const struct socket_request *r)
{
	if (r->use == SOCKET_SERVE)
		return mapping_is_served(p->mapping);
	return !addr_is_set(&r->to) || callees_include(&p->callees, p->mapping, (enum socket_use)r->use, &r->to);
}

/* Returns a dead worker's socket, or a new one. */
static int
find_socket(struct peer *p, const struct socket_request *r)
{
	enum socket_use use = (enum socket_use)r->use;
	int fd;

	if (!is_wanted(p, r)) {
		errno = ECANCELED;
		return -1;
	}
	fd = p->held != NULL ? held_take(p->held, use) : -1;
	return fd >= 0 ? fd : make_socket(p, use);
}

/* A dead worker's connection stays as it is, which the errno says. */
static uint32_t
begin_connection(int fd, const struct addr *to)
{
	if (fd < 0 || !addr_is_set(to) || connect(fd, &to->sa, addr_len(to)) == 0 || errno == EINPROGRESS)
		return 0;
	return (uint32_t)errno;
}

static const char *
answer_socket(struct peer *p, const struct message *m)
{
	const struct socket_request *r = &m->socket_request;
	struct socket_answer answer = {0};
	const char *why = NULL;
	int fd;

	if (m->length != sizeof(*r) || !is_permitted(p->mapping, r))
		return "sent a malformed wish for a socket";
	fd = find_socket(p, r);
	answer.error = fd < 0 ? (uint32_t)errno : 0;
	answer.connect_error = begin_connection(fd, &r->to);
	if (send_record(p, MESSAGE_SOCKET, &answer, sizeof(answer), fd) < 0 && errno == EAGAIN)
		why = "does not read";
	if (fd >= 0)
		held_put(p->held, (enum socket_use)r->use, fd);
	if (p->handlers->on_socket != NULL && r->use != SOCKET_FRESH && r->use != SOCKET_TARGET)
		p->handlers->on_socket(p->context, (int)answer.error);
	return why;
}

static const char *
take_log_line(struct peer *p, const struct message *m)
{
	size_t size = m->length - offsetof(struct log_record, text);

	if (m->length <= offsetof(struct log_record, text) || m->length > sizeof(m->log) ||
	    m->log.level >= LOG_LEVEL_COUNT || !text_is_printable(m->log.text, size))
		return "sent a malformed log line";
	if (conduct_may_log(&p->conduct, (enum log_level)m->log.level, p->mapping->name))
		log_at((enum log_level)m->log.level, "%s: %s", p->mapping->name, m->log.text);
	return NULL;
}

static const char *
take(struct peer *p, const struct message *m)
{
	switch (m->kind) {
	case MESSAGE_SOCKET:
		return answer_socket(p, m);
	case MESSAGE_LOG:
		return take_log_line(p, m);
	default:
		return p->handlers->on_message(p->context, m);
	}
}

static void
dispatch(struct peer *p, const struct message *m)
{
	const char *why = m->fd >= 0 ? "passed a descriptor" : conduct_take_record(&p->conduct, m);

	if (why == NULL)
		why = take(p, m);
	if (why != NULL)
		peer_refuse(p, why);
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct peer *p = arg;
	struct message m;
	int i, n;

	(void)fd;
	(void)what;
	for (i = 0; i < MESSAGES_A_TURN && p->fd >= 0; i++) {
		stall_begin();
		n = message_receive(p->fd, &m);
		stall_end();
		if (n == 1) {
			dispatch(p, &m);
			if (m.fd >= 0)
				stall_close(m.fd);
		} else if (n == 0 || errno != ECONNRESET) {
			if (n == 0)
				peer_kill(p);
			else if (errno != EAGAIN)
				peer_refuse(p, "sent a malformed message");
			return;
		} /* else it died before it read everything; what it sent is still there */
	}
}

int
peer_start(struct peer *p, struct event_base *base, const struct servers *servers)
{
	p->offence = NULL;
	p->watches = false;
	p->pid = spawn_worker(&p->fd);
	if (p->pid < 0) {
		p->pid = 0;
		return -1;
	}
	conduct_begin(&p->conduct);
	LIST_INSERT_HEAD(&peers, p, entry);
	peer_look_open(base);
	p->readable = event_new(base, p->fd, EV_READ | EV_PERSIST, on_readable, p);
	if (p->readable == NULL || event_add(p->readable, NULL) < 0) {
		peer_forget(p);
		errno = ENOMEM;
		return -1;
	}
	/* An empty queue takes both; if not, the worker's end is noticed. */
	peer_send_mapping(p);
	peer_send_servers(p, servers);
	log_debug("%s: worker %d started", p->mapping->name, (int)p->pid);
	return 0;
}

static void
describe_end(const struct peer *p, int status, char *buf, size_t size)
{
	if (p->offence != NULL)
		snprintf(buf, size, "its worker %s and was ended", p->offence);
	else if (WIFEXITED(status) && WEXITSTATUS(status) == SPAWN_NO_EXEC)
		snprintf(buf, size, "its worker could not be executed");
	else if (WIFSIGNALED(status))
		snprintf(buf, size, "its worker was ended by signal %d (%s)", WTERMSIG(status),
		    strsignal(WTERMSIG(status)));
	else
		snprintf(buf, size, "its worker ended with status %d", WEXITSTATUS(status));
}

void
peers_each(void (*visit)(struct peer *p))
{
	struct peer *p;

	LIST_FOREACH(p, &peers, entry)
		visit(p);
}

bool
peers_reaped(pid_t pid, int wait_status)
{
	char why[160];
	struct peer *p;

	LIST_FOREACH(p, &peers, entry)
		if (p->pid == pid)
			break;
	if (p == NULL)
		return false;
	p->pid = 0;
	on_readable(-1, 0, p); /* its last words explain the end */
	if (WIFSIGNALED(wait_status) && WTERMSIG(wait_status) == SIGSYS)
		p->offence = "made a system call that no worker makes (a bug of natter, or somebody took it over)";
	peer_end(p);
	LIST_REMOVE(p, entry);
	describe_end(p, wait_status, why, sizeof(why));
	p->handlers->on_ended(p->context, why);
	return true;
}

void
peers_stop(void)
{
	struct peer *p;
	int waited;

	peer_look_close();
	LIST_FOREACH(p, &peers, entry)
		peer_end(p);
	for (waited = 0; waited < STOP_MS && !LIST_EMPTY(&peers); waited += 5) {
		spawn_reap();
		poll(NULL, 0, 5);
	}
	LIST_FOREACH(p, &peers, entry)
		kill(p->pid, SIGKILL);
}
