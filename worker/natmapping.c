/* SPDX-License-Identifier: ISC */
/*
 * A NAT's mapping behaviour; see natmapping.h.
 *
 * The rule: what two servers at different IP addresses agree on does not depend
 * on the destination, whatever a third one says.  Without such a pair it does
 * depend, and two ports of one server's alternate address tell on what.
 */
#include "natmapping.h"

#include <bsd/string.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "log.h"

/* So many servers are asked at once ... */
#define SIDE_BY_SIDE 3
/* ... and one more each time this passes while more is to be known. */
static const struct timeval hedge_delay = {.tv_usec = 500000};
/* What could still be added to a verdict is waited for this long. */
static const struct timeval settle_time = {.tv_sec = 5};
/* Servers whose alternate address and port are asked too. */
#define GROUPS_MAX 4
/* UDP: one that can test what is let in is looked for this long; two are better, since
 * not everyone does what it claims. */
static const struct timeval search_time = {.tv_sec = 10};
#define ASKS_MAX (SERVERS_MAX + 2 * GROUPS_MAX)
/* RFC 4787 speaks of UDP; for TCP three addresses are compared (RFC 5382, 4.1). */
#define TCP_ANSWERS_MIN 3

enum outcome {
	OUTCOME_ASKING,
	OUTCOME_ANSWERED,
	OUTCOME_FAILED,
};

struct ask {
	struct natmapping *owner;
	struct probe *probe;
	struct addr server;
	struct addr mapped;
	struct addr local;
	enum outcome outcome;
};

/* A server with its alternate address: where their asks stand. */
struct group {
	const struct ask *other_ip;          /* the alternate IP address, the server's port */
	const struct ask *other_ip_and_port;
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
	struct ask asks[ASKS_MAX];
	uint32_t ask_count;
	uint32_t next; /* server of the list */
	struct group groups[GROUPS_MAX];
	uint32_t group_count;
	uint32_t rejected; /* of the groups */
	char error[REPORT_ERROR_SIZE];
};

static void ask_next(struct natmapping *m);

static uint32_t
count(const struct natmapping *m, enum outcome outcome)
{
	uint32_t i, n = 0;

	for (i = 0; i < m->ask_count; i++)
		n += m->asks[i].outcome == outcome;
	return n;
}

/* An answer that a server at another IP address gave too; NULL: there is none. */
static const struct ask *
find_agreed(const struct natmapping *m)
{
	uint32_t i, j;

	for (i = 0; i < m->ask_count; i++)
		for (j = 0; j < i; j++)
			if (m->asks[i].outcome == OUTCOME_ANSWERED && m->asks[j].outcome == OUTCOME_ANSWERED &&
			    !addr_same_ip(&m->asks[i].server, &m->asks[j].server) &&
			    addr_equal(&m->asks[i].mapped, &m->asks[j].mapped))
				return &m->asks[j];
	return NULL;
}

static const struct ask *
find_answered(const struct natmapping *m)
{
	uint32_t i;

	for (i = 0; i < m->ask_count; i++)
		if (m->asks[i].outcome == OUTCOME_ANSWERED)
			return &m->asks[i];
	return NULL;
}

bool
natmapping_is_alternate(const struct addr *server, const struct addr *other)
{
	return addr_is_set(other) && !addr_same_ip(other, server) && addr_port(other) != addr_port(server);
}

bool
natmapping_has_answered(const struct natmapping *m, const struct addr *ip)
{
	uint32_t i;

	for (i = 0; i < m->ask_count; i++)
		if (m->asks[i].outcome == OUTCOME_ANSWERED && addr_same_ip(&m->asks[i].server, ip))
			return true;
	return false;
}

/* Did two servers at different IP addresses answer? */
static bool
has_two_addresses(const struct natmapping *m)
{
	const struct ask *first = find_answered(m);
	uint32_t i;

	for (i = 0; first != NULL && i < m->ask_count; i++)
		if (m->asks[i].outcome == OUTCOME_ANSWERED && !addr_same_ip(&m->asks[i].server, &first->server))
			return true;
	return false;
}

/* A group all of whose addresses answered; NULL: there is none. */
static const struct group *
find_complete_group(const struct natmapping *m)
{
	uint32_t i;

	for (i = 0; i < m->group_count; i++)
		if (m->groups[i].other_ip->outcome == OUTCOME_ANSWERED &&
		    m->groups[i].other_ip_and_port->outcome == OUTCOME_ANSWERED)
			return &m->groups[i];
	return NULL;
}

static enum nat_mapping
judge(const struct natmapping *m)
{
	const struct ask *agreed = find_agreed(m);
	const struct group *g = find_complete_group(m);

	if (agreed != NULL)
		return addr_equal(&agreed->mapped, &agreed->local) ? NAT_MAPPING_NONE
								     : NAT_MAPPING_ENDPOINT_INDEPENDENT;
	if (!has_two_addresses(m))
		return NAT_MAPPING_UNKNOWN;
	if (g == NULL)
		return NAT_MAPPING_DEPENDENT;
	return addr_equal(&g->other_ip->mapped, &g->other_ip_and_port->mapped)
		   ? NAT_MAPPING_ADDRESS_DEPENDENT
		   : NAT_MAPPING_ADDRESS_AND_PORT_DEPENDENT;
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

	return !has_two_addresses(m) || (m->group_count - m->rejected < wanted && m->group_count < GROUPS_MAX);
}

/* Could one of those who are still asked, or have not been, test what is let in? */
static bool
lacks_group(const struct natmapping *m)
{
	return is_udp(m) && m->group_count == m->rejected && m->group_count < GROUPS_MAX && !m->searched &&
	       (count(m, OUTCOME_ASKING) > 0 || m->next < m->servers->stun_count);
}

bool
natmapping_is_done(const struct natmapping *m)
{
	bool enough = is_udp(m) || count(m, OUTCOME_ANSWERED) >= TCP_ANSWERS_MIN;

	if (lacks_group(m))
		return false;
	if (m->settled || (find_agreed(m) != NULL && enough))
		return true;
	return count(m, OUTCOME_ASKING) == 0 && (m->next >= m->servers->stun_count || !wants_more(m));
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

static const struct ask *
find_ask(const struct natmapping *m, const struct addr *server)
{
	uint32_t i;

	for (i = 0; i < m->ask_count; i++)
		if (addr_equal(&m->asks[i].server, server))
			return &m->asks[i];
	return NULL;
}

static const struct ask *add_ask(struct natmapping *m, const struct server *server);

/* One connection from a port to a server is all that there can be. */
static const struct ask *
find_or_add_ask(struct natmapping *m, const struct server *server)
{
	const struct ask *a = find_ask(m, &server->addr);

	return a != NULL ? a : add_ask(m, server);
}

/* The alternate address counts only as this server tells it: asked there, some
 * servers tell a wrong one. */
static void
add_group(struct natmapping *m, const struct ask *primary, const struct addr *other)
{
	struct group *g = &m->groups[m->group_count];
	struct server server = {0};

	if (m->group_count == GROUPS_MAX || !natmapping_is_alternate(&primary->server, other))
		return;
	m->group_count++;
	snprintf(server.name, sizeof(server.name), "%.200s's alternate address", probe_server(primary->probe)->name);
	server.addr = *other;
	g->other_ip_and_port = find_or_add_ask(m, &server);
	addr_set_port(&server.addr, addr_port(&primary->server));
	g->other_ip = find_or_add_ask(m, &server);
}

static bool
is_of_list(const struct natmapping *m, const struct ask *a)
{
	uint32_t i;

	for (i = 0; i < m->group_count; i++)
		if (a == m->groups[i].other_ip || a == m->groups[i].other_ip_and_port)
			return false;
	return true;
}

static void
take_result(struct natmapping *m, struct ask *a, const struct probe_result *result)
{
	char seen[ADDR_TEXT_SIZE];

	if (!result->ok) {
		a->outcome = OUTCOME_FAILED;
		log_info("%s", result->error);
		keep_error(m, result->error);
		return;
	}
	a->outcome = OUTCOME_ANSWERED;
	a->mapped = result->mapped;
	a->local = result->local;
	log_info("STUN server %.120s sees %s", probe_server(a->probe)->name, addr_text(&a->mapped, seen));
	if (!is_of_list(m, a))
		return;
	add_group(m, a, &result->other);
	m->answer(m->context, probe_server(a->probe), result);
}

static void
on_probe(void *context, struct probe *probe, const struct probe_result *result)
{
	struct ask *a = context;
	struct natmapping *m = a->owner;

	take_result(m, a, result);
	if (!result->ok) {
		probe_free(probe);
		a->probe = NULL;
		ask_next(m);
	}
	if ((find_agreed(m) != NULL || find_complete_group(m) != NULL) && !event_pending(m->settle, EV_TIMEOUT, NULL))
		event_add(m->settle, &settle_time);
	m->progress(m->context);
}

static const struct ask *
add_ask(struct natmapping *m, const struct server *server)
{
	struct ask *a = &m->asks[m->ask_count++];

	a->owner = m;
	a->server = server->addr;
	a->probe = probe_start(m->worker, server, on_probe, a);
	return a;
}

static void
ask_next(struct natmapping *m)
{
	if (!wants_more(m))
		return;
	while (m->next < m->servers->stun_count && find_ask(m, &m->servers->stun[m->next].addr) != NULL)
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
	const struct ask *a = find_agreed(m);

	if (a == NULL)
		a = find_answered(m);
	report->mapping = judge(m);
	report->asked = m->ask_count;
	report->answered = count(m, OUTCOME_ANSWERED);
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
	for (i = 0; i < m->ask_count; i++)
		probe_free(m->asks[i].probe);
	event_free(m->hedge);
	event_free(m->settle);
	event_free(m->search);
	free(m);
}
