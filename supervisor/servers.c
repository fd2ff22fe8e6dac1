/* SPDX-License-Identifier: ISC */
/*
 * The workers' news of their servers; see servers.h.
 */
#include "servers.h"

#include "bucket.h"
#include "log.h"
#include "monotonic.h"
#include "reputation.h"
#include "resolve.h"

/* So many news a second are listened to; what a worker says beyond that it says again when
 * the server fails again. */
#define NEWS_CREDIT 20

/* When a network fails, all of its servers do, one soon after the other. */
#define GATHER_MS 100
/* So often at once all workers are told, and then this often: one that contradicts itself again
 * and again must not keep the others busy. */
#define TELLS_AT_ONCE 10
#define TELL_EVERY_MS 5000

static struct event *gathered;
static struct bucket tells;
static void (*servers_changed)(void);

static void
on_gathered(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	servers_changed();
}

static enum protocol
protocol_of(const struct service *s)
{
	return (enum protocol)s->mapping.protocol;
}

static const struct server *
find_in(const struct server *list, uint32_t count, const struct addr *addr)
{
	uint32_t i;

	for (i = 0; i < count; i++)
		if (addr_equal(&list[i].addr, addr))
			return &list[i];
	return NULL;
}

static const struct server *
find_server(const struct servers *servers, const struct addr *addr)
{
	const struct server *found = find_in(servers->stun, servers->stun_count, addr);

	return found != NULL ? found : find_in(servers->keep_alive, servers->keep_alive_count, addr);
}

static bool
is_used(enum protocol protocol, const struct addr *addr)
{
	const struct service *s;

	TAILQ_FOREACH(s, services_all(), entry)
		if (protocol_of(s) == protocol && find_server(&s->servers, addr) != NULL)
			return true;
	return false;
}

static void
fill_rests(enum protocol protocol, struct server *list, uint32_t count)
{
	uint32_t i;

	for (i = 0; i < count; i++)
		list[i].rest_until = reputation_rest_until(protocol, &list[i].addr);
}

void
servers_list(const struct service *s, struct servers *out)
{
	resolve_servers(s->config, out);
	fill_rests(protocol_of(s), out->stun, out->stun_count);
	fill_rests(protocol_of(s), out->keep_alive, out->keep_alive_count);
}

static void
take_failure(enum protocol protocol, const struct server *server)
{
	unsigned int seconds = reputation_fail(protocol, &server->addr, monotonic_seconds());
	char where[ADDR_TEXT_SIZE];

	if (seconds > 0)
		log_debug("natterd: server %s (%s, %s) failed and is left alone for %u s", server->name,
		    addr_text(&server->addr, where), protocol_name(protocol), seconds);
}

/* If all of them have failed it was the way to them, and where one is reached again so may be
 * the others. */
static void
forgive(enum protocol protocol, const struct server *list, uint32_t count)
{
	uint32_t i;

	for (i = 0; i < count; i++)
		if (reputation_rest_until(protocol, &list[i].addr) == 0)
			return;
	for (i = 0; i < count; i++)
		reputation_clear(protocol, &list[i].addr);
}

static void
take_recovery(enum protocol protocol, const struct servers *servers, const struct server *server)
{
	if (find_in(servers->stun, servers->stun_count, &server->addr) != NULL)
		forgive(protocol, servers->stun, servers->stun_count);
	else
		forgive(protocol, servers->keep_alive, servers->keep_alive_count);
	reputation_clear(protocol, &server->addr);
}

/* What comes in the meantime is told with it. */
static void
tell_soon(void)
{
	unsigned int wait = bucket_take(&tells, monotonic_milliseconds());
	struct timeval t = {.tv_usec = GATHER_MS * 1000};

	if (wait > GATHER_MS)
		t = (struct timeval){.tv_sec = wait / 1000, .tv_usec = (wait % 1000) * 1000};
	event_add(gathered, &t);
}

const char *
servers_take_news(struct service *s, const struct message *m)
{
	const struct server_news *news = &m->server_news;
	const struct server *server;

	if (m->length != sizeof(*news) || news->good > 1 || !addr_is_set(&news->addr) || addr_port(&news->addr) == 0)
		return "sent malformed news of a server";
	if (!quota_take(&s->news, NEWS_CREDIT, 1))
		return NULL;
	/* One that it was told of, unless the name's addresses changed just now. */
	server = find_server(&s->servers, &news->addr);
	if (server == NULL)
		return NULL;
	if (news->good)
		take_recovery(protocol_of(s), &s->servers, server);
	else
		take_failure(protocol_of(s), server);
	if (!event_pending(gathered, EV_TIMEOUT, NULL))
		tell_soon();
	return NULL;
}

void
servers_forget_unused(void)
{
	reputation_keep(is_used);
}

void
servers_open(struct event_base *base, void (*changed)(void))
{
	servers_changed = changed;
	bucket_init(&tells, TELLS_AT_ONCE, TELL_EVERY_MS);
	gathered = event_new(base, -1, 0, on_gathered, NULL);
	if (gathered == NULL)
		fatal("natterd: out of memory");
}

void
servers_close(void)
{
	if (gathered != NULL)
		event_free(gathered);
	gathered = NULL;
	reputation_clear_all();
}
