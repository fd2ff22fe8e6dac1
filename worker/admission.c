/* SPDX-License-Identifier: ISC */
/*
 * Who gets to the target; see admission.h.
 */
#include "admission.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "clients.h"
#include "log.h"
#include "net.h"

/* Between two lines about the same: strangers cause them. */
#define LINE_SECONDS 60
#define LINE_SIZE 200

struct admission {
	const struct mapping *mapping;
	struct relay_counters *counters;
	struct clients *clients; /* NULL: they are not counted, as no limit is for them */
	bool counts_anew;        /* since the last change: who is there is to be counted */
	struct {
		double at;       /* on the monotonic clock; 0: there was none yet */
		uint64_t before; /* how many refusals it was told of */
	} lines[REFUSAL_COUNT];  /* the last one about each */
};

/* Do the mapping's networks let the client in? */
static bool
is_welcome(const struct admission *a, const struct addr *client)
{
	const struct mapping *m = a->mapping;

	return !networks_have(&m->deny, client) && (m->allow.count == 0 || networks_have(&m->allow, client));
}

/* Of a refusal's line. */
static void
explain(const struct admission *a, enum refusal refusal, const char *client, char *buf, size_t size)
{
	const struct mapping *m = a->mapping;
	const char *what = m->protocol == PROTOCOL_UDP ? "UDP sessions" : "connections";
	uint64_t now = a->counters->connections;

	switch (refusal) {
	case REFUSAL_DENIED:
		snprintf(buf, size, "%s is refused, as allow and deny say", client);
		break;
	case REFUSAL_LIMIT:
		snprintf(buf, size, "%s is refused: there are %" PRIu64 " %s already (%s)", client, now, what,
		    m->protocol == PROTOCOL_UDP ? "max_udp_sessions" : "max_connections");
		break;
	case REFUSAL_CLIENT_LIMIT:
		snprintf(buf, size, "%s is refused: it has %u %s already (max_connections_per_client)", client,
		    m->max_per_client, what);
		break;
	default:
		snprintf(buf, size, "%" PRIu64 " %s and a new client (%s): that of %s, idle longest, makes room", now, what,
		    now < m->max_udp_sessions ? "no descriptors or memory for more" : "max_udp_sessions", client);
		break;
	}
}

static void
say(struct admission *a, enum refusal refusal, const struct addr *client)
{
	uint64_t count = a->counters->refused[refusal], others = count - a->lines[refusal].before - 1;
	/* To be denied is what was asked for. */
	enum log_level level = refusal == REFUSAL_DENIED ? LOG_LEVEL_INFO : LOG_LEVEL_WARNING;
	char from[ADDR_TEXT_SIZE], text[LINE_SIZE];

	explain(a, refusal, addr_text(client, from), text, sizeof(text));
	if (others == 0)
		log_at(level, "%s", text);
	else
		log_at(level, "%s; %" PRIu64 " more since the last line about it", text, others);
	a->lines[refusal].before = count;
}

void
admission_refuse(struct admission *a, enum refusal refusal, const struct addr *client)
{
	double now = net_now(), *at = &a->lines[refusal].at;

	relay_count_refusal(a->counters, refusal);
	if (*at != 0 && now - *at < LINE_SECONDS)
		return;
	*at = now;
	say(a, refusal, client);
}

/* Has one client, or have all together, what there may be? */
static bool
is_full(struct admission *a, const struct addr *client, enum refusal *why)
{
	const struct mapping *m = a->mapping;

	*why = REFUSAL_LIMIT;
	if (m->protocol == PROTOCOL_TCP && a->counters->connections >= m->max_connections)
		return true;
	*why = REFUSAL_CLIENT_LIMIT;
	return a->clients != NULL && clients_count(a->clients, client) >= m->max_per_client;
}

bool
admission_allows(struct admission *a, const struct addr *client)
{
	enum refusal why = REFUSAL_DENIED;

	if (is_welcome(a, client) && !is_full(a, client, &why))
		return true;
	admission_refuse(a, why, client);
	return false;
}

int
admission_enter(struct admission *a, const struct addr *client)
{
	return a->clients == NULL ? 0 : clients_enter(a->clients, client);
}

void
admission_leave(struct admission *a, const struct addr *client)
{
	if (a->clients != NULL)
		clients_leave(a->clients, client);
}

void
admission_change(struct admission *a)
{
	a->counts_anew = false;
	if (a->mapping->max_per_client == 0) {
		clients_free(a->clients);
		a->clients = NULL;
	} else if (a->clients == NULL) {
		a->clients = clients_new(); /* without memory there is no such limit */
		a->counts_anew = true;
	}
}

/* Without memory for it a client counts as having fewer. */
bool
admission_keeps(struct admission *a, const struct addr *client)
{
	if (a->counts_anew)
		(void)admission_enter(a, client);
	if (is_welcome(a, client))
		return true;
	admission_refuse(a, REFUSAL_DENIED, client);
	return false;
}

struct admission *
admission_new(const struct mapping *mapping, struct relay_counters *counters)
{
	struct admission *a = calloc(1, sizeof(*a));

	if (a == NULL)
		return NULL;
	a->mapping = mapping;
	a->counters = counters;
	admission_change(a);
	if (a->clients != NULL || mapping->max_per_client == 0)
		return a;
	free(a);
	return NULL;
}

void
admission_free(struct admission *a)
{
	if (a == NULL)
		return;
	clients_free(a->clients);
	free(a);
}
