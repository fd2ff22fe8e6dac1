/* SPDX-License-Identifier: ISC */
/*
 * Asking for a NAT's mapping behaviour; see natmapping.h.  natview.c judges.
 */
#include "natmapping.h"

#include <bsd/string.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "log.h"
#include "natview.h"

/* So many servers are asked at once ... */
#define SIDE_BY_SIDE 3
/* ... and one more each time this passes while more is to be known. */
static const struct timeval hedge_delay = {.tv_usec = 500000};
/* What could still be added to a verdict is waited for this long. */
static const struct timeval settle_time = {.tv_sec = 5};
/* UDP: one that can test what is let in is looked for this long; two are better, since
 * not everyone does what it claims. */
static const struct timeval search_time = {.tv_sec = 10};
/* RFC 4787 speaks of UDP; for TCP three addresses are compared (RFC 5382, 4.1). */
#define TCP_ANSWERS_MIN 3

_Static_assert(2 * NATVIEW_GROUPS_MAX + 2 + 1 <= NAT_STRANGERS_MAX,
    "natterd connects a check to both other addresses of each group, to natdark.c's two and to hairpin.c's one");

struct question {
	struct natmapping *owner;
	struct natview_ask *ask;
	struct probe *probe;
};

struct natmapping {
	struct worker *worker;
	const struct servers *servers;
	natmapping_answer *answer;
	natmapping_progress *progress;
	void *context;
	struct event *hedge;
	struct event *settle;
	bool settled;
	struct event *search; /* the end of looking for usable groups */
	bool searched;
	struct natview view;
	struct question questions[NATVIEW_ASKS_MAX]; /* of the asks of the same number */
	uint32_t next; /* server of the list */
	uint32_t rejected; /* of the view's groups */
	char error[REPORT_ERROR_SIZE];
};

static void ask_next(struct natmapping *m);

bool
natmapping_is_alternate(const struct addr *server, const struct addr *other)
{
	return addr_is_set(other) && !addr_same_ip(other, server) && addr_port(other) != addr_port(server);
}

bool
natmapping_has_answered(const struct natmapping *m, const struct addr *ip)
{
	return natview_has_answered(&m->view, ip);
}

bool
natmapping_is_dependent(const struct natmapping *m)
{
	return natview_judge(&m->view) >= NAT_MAPPING_ADDRESS_DEPENDENT;
}

static bool
is_udp(const struct natmapping *m)
{
	return m->worker->mapping.protocol == PROTOCOL_UDP;
}

/* Somebody who has not been asked yet could still tell something. */
static bool
wants_more(const struct natmapping *m)
{
	uint32_t wanted = is_udp(m) ? 2 : 1;

	return !natview_has_two_addresses(&m->view) || (m->view.group_count - m->rejected < wanted && m->view.group_count < NATVIEW_GROUPS_MAX);
}

/* Could one of those who are still asked, or have not been, test what is let in? */
static bool
lacks_group(const struct natmapping *m)
{
	return is_udp(m) && m->view.group_count == m->rejected && m->view.group_count < NATVIEW_GROUPS_MAX && !m->searched &&
	       (natview_count(&m->view, NATVIEW_ASKING) > 0 || m->next < m->servers->stun_count);
}

bool
natmapping_is_done(const struct natmapping *m)
{
	bool enough = is_udp(m) || natview_count(&m->view, NATVIEW_ANSWERED) >= TCP_ANSWERS_MIN;

	if (lacks_group(m))
		return false;
	if (m->settled || (natview_find_agreed(&m->view) != NULL && enough))
		return true;
	return natview_count(&m->view, NATVIEW_ASKING) == 0 && (m->next >= m->servers->stun_count || !wants_more(m));
}

static void
on_settle(evutil_socket_t fd, short what, void *arg)
{
	struct natmapping *m = arg;

	(void)fd;
	(void)what;
	m->settled = true;
	m->progress(m->context);
}

static void
on_search(evutil_socket_t fd, short what, void *arg)
{
	struct natmapping *m = arg;

	(void)fd;
	(void)what;
	m->searched = true;
	m->progress(m->context);
}

static void
keep_error(struct natmapping *m, const char *error)
{
	size_t used = strlen(m->error), more = strlen(error) + (used > 0 ? 2 : 0);

	if (used + more >= sizeof(m->error))
		return;
	if (used > 0)
		strlcat(m->error, "; ", sizeof(m->error));
	strlcat(m->error, error, sizeof(m->error));
}

static const struct natview_ask *add_ask(struct natmapping *m, const struct server *server);

/* One connection from a port to a server is all that there can be. */
static const struct natview_ask *
find_or_add_ask(struct natmapping *m, const struct server *server)
{
	const struct natview_ask *a = natview_find(&m->view, &server->addr);

	return a != NULL ? a : add_ask(m, server);
}

/* The alternate address counts only as this server tells it: asked there, some
 * servers tell a wrong one. */
static void
add_group(struct natmapping *m, const struct server *primary, const struct addr *other)
{
	struct natview_group *g = &m->view.groups[m->view.group_count];
	struct server server = {0};

	if (m->view.group_count == NATVIEW_GROUPS_MAX || !natmapping_is_alternate(&primary->addr, other))
		return;
	m->view.group_count++;
	snprintf(server.name, sizeof(server.name), "%.200s's alternate address", primary->name);
	server.addr = *other;
	g->other_ip_and_port = find_or_add_ask(m, &server);
	addr_set_port(&server.addr, addr_port(&primary->addr));
	g->other_ip = find_or_add_ask(m, &server);
}

static bool
is_of_list(const struct natmapping *m, const struct natview_ask *a)
{
	uint32_t i;

	for (i = 0; i < m->view.group_count; i++)
		if (a == m->view.groups[i].other_ip || a == m->view.groups[i].other_ip_and_port)
			return false;
	return true;
}

static void
take_answer(struct question *q, const struct probe_result *result)
{
	struct natmapping *m = q->owner;
	const struct server *server = probe_server(q->probe);
	char seen[ADDR_TEXT_SIZE];

	q->ask->outcome = NATVIEW_ANSWERED;
	q->ask->mapped = result->mapped;
	q->ask->local = result->local;
	log_info("STUN server %.120s sees %s", server->name, addr_text(&result->mapped, seen));
	if (!is_of_list(m, q->ask))
		return;
	add_group(m, server, &result->other);
	m->answer(m->context, server, result);
}

static void
take_failure(struct question *q, const char *error)
{
	q->ask->outcome = NATVIEW_FAILED;
	log_info("%s", error);
	keep_error(q->owner, error);
	probe_free(q->probe);
	q->probe = NULL;
	ask_next(q->owner);
}

static void
on_probe(void *context, struct probe *probe, const struct probe_result *result)
{
	struct question *q = context;
	struct natmapping *m = q->owner;

	(void)probe;
	if (result->ok)
		take_answer(q, result);
	else
		take_failure(q, result->error);
	if ((natview_find_agreed(&m->view) != NULL || natview_has_complete_group(&m->view)) &&
	    !event_pending(m->settle, EV_TIMEOUT, NULL))
		event_add(m->settle, &settle_time);
	m->progress(m->context);
}

static const struct natview_ask *
add_ask(struct natmapping *m, const struct server *server)
{
	struct question *q = &m->questions[m->view.ask_count];

	q->owner = m;
	q->ask = &m->view.asks[m->view.ask_count++];
	q->ask->server = server->addr;
	q->probe = probe_start(m->worker, server, on_probe, q);
	return q->ask;
}

static void
ask_next(struct natmapping *m)
{
	if (!wants_more(m))
		return;
	while (m->next < m->servers->stun_count && natview_find(&m->view, &m->servers->stun[m->next].addr) != NULL)
		m->next++;
	if (m->next >= m->servers->stun_count)
		return;
	add_ask(m, &m->servers->stun[m->next++]);
	event_add(m->hedge, &hedge_delay);
}

static void
on_hedge(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	ask_next(arg);
}

void
natmapping_report(const struct natmapping *m, struct nat_report *report)
{
	const struct natview_ask *a = natview_find_best(&m->view);

	report->mapping = natview_judge(&m->view);
	report->asked = m->view.ask_count;
	report->answered = natview_count(&m->view, NATVIEW_ANSWERED);
	snprintf(report->error, sizeof(report->error), "%s", m->error);
	if (a == NULL)
		return;
	report->inner = a->local;
	report->outer = a->mapped;
	report->server = a->server;
}

void
natmapping_reject_group(struct natmapping *m)
{
	m->rejected++;
	ask_next(m);
}

struct natmapping *
natmapping_start(struct worker *worker, const struct servers *servers, natmapping_answer *answer,
    natmapping_progress *progress, void *context)
{
	struct natmapping *m = alloc_zero(sizeof(*m));
	int i;

	m->worker = worker;
	m->servers = servers;
	m->answer = answer;
	m->progress = progress;
	m->context = context;
	m->hedge = event_new(worker->base, -1, 0, on_hedge, m);
	m->settle = event_new(worker->base, -1, 0, on_settle, m);
	m->search = event_new(worker->base, -1, 0, on_search, m);
	if (m->hedge == NULL || m->settle == NULL || m->search == NULL)
		fatal("out of memory");
	event_add(m->search, &search_time);
	for (i = 0; i < SIDE_BY_SIDE; i++)
		ask_next(m);
	return m;
}

void
natmapping_free(struct natmapping *m)
{
	uint32_t i;

	if (m == NULL)
		return;
	for (i = 0; i < m->view.ask_count; i++)
		probe_free(m->questions[i].probe);
	event_free(m->hedge);
	event_free(m->settle);
	event_free(m->search);
	free(m);
}
