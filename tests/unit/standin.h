/* SPDX-License-Identifier: ISC */
/*
 * What the tests of a TCP mapping's connections share: keep-alive connections that do what a
 * test says, a clock that stands still until a test moves it, and the news that went to the
 * supervisor.  Nothing here waits.
 */
#ifndef STANDIN_H
#define STANDIN_H

#include "loop.h"

#include "keepalive.h"
#include "uplink.h"

#define STANDINS_MAX 1000

struct keepalive {
	struct server server;
	struct keepalive_times times;
	struct keepalive_handlers handlers;
	void *context;
	bool up, leaving;
	double up_at, heard_at, idle_end;
	struct addr local;
};

static struct worker worker;
static struct servers servers;
static double now = 1000;
static struct keepalive *links_made[STANDINS_MAX]; /* in their order; NULL: freed */
static unsigned int made;
static struct addr told[STANDINS_MAX]; /* servers that were said to have failed */
static unsigned int blamed, praised;

double
net_now(void)
{
	return now;
}

void
uplink_tell_server(struct uplink *u, const struct addr *server, bool good)
{
	(void)u;
	if (good)
		praised++;
	else
		told[blamed++] = *server;
}

struct keepalive *
keepalive_start(struct worker *w, const struct servers *all, const struct server *server,
    const struct keepalive_times *times, const struct keepalive_handlers *handlers, void *context)
{
	struct keepalive *k = calloc(1, sizeof(*k));

	MUST(k != NULL && made < STANDINS_MAX && w == &worker && all == &servers);
	k->server = *server;
	k->times = *times;
	k->handlers = *handlers;
	k->context = context;
	links_made[made++] = k;
	return k;
}

void
keepalive_free(struct keepalive *k)
{
	unsigned int i;

	for (i = 0; i < made; i++)
		if (links_made[i] == k)
			links_made[i] = NULL;
	free(k);
}

void
keepalive_set_pace(struct keepalive *k, unsigned int seconds)
{
	k->times.pace = seconds;
}

bool
keepalive_is_late(const struct keepalive *k)
{
	return k->times.late;
}

bool
keepalive_is_up(const struct keepalive *k)
{
	return k->up;
}

bool
keepalive_is_leaving(const struct keepalive *k)
{
	return k->leaving;
}

void
keepalive_dismiss(struct keepalive *k)
{
	k->leaving = true;
}

const struct server *
keepalive_server(const struct keepalive *k)
{
	return &k->server;
}

struct addr
keepalive_local(const struct keepalive *k)
{
	return k->local;
}

double
keepalive_quiet(const struct keepalive *k)
{
	return now - k->heard_at;
}

double
keepalive_age(const struct keepalive *k)
{
	return k->up ? now - k->up_at : 0;
}

double
keepalive_idle_end(const struct keepalive *k)
{
	return k->idle_end;
}

/* --- What a test does --- */

static inline struct keepalive *
link_at(unsigned int i)
{
	MUST(i < made && links_made[i] != NULL);
	return links_made[i];
}

static inline void
come_up(unsigned int i)
{
	struct keepalive *k = link_at(i);

	MUST(!k->up);
	k->up = true;
	k->up_at = k->heard_at = now;
	k->local = address("192.168.77.2:1");
	k->handlers.on_up(k->context, k);
}

/* It says that it will close. */
static inline void
announce(unsigned int i)
{
	struct keepalive *k = link_at(i);

	k->leaving = true;
	k->handlers.on_leaving(k->context, k);
}

static inline void
lose(unsigned int i, enum keepalive_end end, const char *reason)
{
	struct keepalive *k = link_at(i);

	k->handlers.on_lost(k->context, k, end, reason);
}

/* Is number i to this server?  It may not be freed. */
static inline bool
goes_to(unsigned int i, const char *server)
{
	struct addr a = address(server);

	return i < made && links_made[i] != NULL && addr_equal(&links_made[i]->server.addr, &a);
}

static inline unsigned int
count_links(bool up)
{
	unsigned int i, n = 0;

	for (i = 0; i < made; i++)
		n += links_made[i] != NULL && links_made[i]->up == up;
	return n;
}

/* Since when is nobody's business: the list of servers, of which some may be twice in it. */
static inline void
list_servers(const char *const *addresses)
{
	unsigned int i;

	memset(&servers, 0, sizeof(servers));
	for (i = 0; addresses[i] != NULL; i++) {
		servers.keep_alive[i].addr = address(addresses[i]);
		snprintf(servers.keep_alive[i].name, sizeof(servers.keep_alive[i].name), "server%u", i);
	}
	servers.keep_alive_count = i;
}

#define LIST(...) list_servers((const char *const[]){__VA_ARGS__, NULL})

static inline int
collect(const struct event_base *base, const struct event *e, void *arg)
{
	struct event ***next = arg;

	(void)base;
	if (event_pending(e, EV_TIMEOUT, NULL))
		*(*next)++ = (struct event *)(uintptr_t)e;
	return 0;
}

/* Time passes, and every timer that is set ends; who was heard is not heard meanwhile. */
static inline void
pass(double seconds)
{
	struct event *timers[16], **end = timers, **e;

	now += seconds;
	event_base_foreach_event(t.base, collect, &end);
	for (e = timers; e < end; e++)
		event_active(*e, EV_TIMEOUT, 1);
	turn();
}

static inline void
standins_begin(void)
{
	made = blamed = praised = 0;
	now += 10000;
}

#endif
