/* SPDX-License-Identifier: ISC */
/*
 * The choice of keep-alive servers; see webservers.h.
 */
#include "webservers.h"

#include <stdlib.h>

#include "alloc.h"
#include "backoff.h"
#include "net.h"
#include "uplink.h"

/* A connection that lived shorter than this was closed by a server that does not want to
 * be a keep-alive: going back to it at once would hammer it. */
#define SHORT_LIFE 5.0
/* So many of them are bad luck. */
#define SHORT_LIVES_FREE 1
/* Until the supervisor says better: seconds. */
#define FIRST_REST 30
/* A server has closed for idleness if it did so twice in a row after about the same time:
 * once may have any reason. */
#define ABOUT 1.25

/* Who is taken: each takes those, too, that the one before does not. */
enum choice {
	CHOICE_GOOD,
	CHOICE_RESTING, /* who failed lately */
	CHOICE_ALL,     /* who was tried in vain just now */
};

struct webserver {
	struct addr addr;
	bool in_vain;              /* the last attempt failed, and no other has succeeded since */
	double idle_limit;
	double idle_end;           /* the idleness that it last closed after; 0: never */
	double not_before;         /* on the monotonic clock: even if there is no other */
	double rest_until;         /* the same: if there is another */
	unsigned int short_lives;  /* connections in a row */
};

struct webservers {
	const struct servers *servers;
	struct uplink *uplink;
	unsigned int next; /* counter round the list */
	/* What is known, the oldest thrown out. */
	struct webserver known[SERVERS_MAX];
	unsigned int oldest;
};

/* Returns its place among those that are known, or SERVERS_MAX. */
static unsigned int
find(const struct webservers *w, const struct addr *addr)
{
	unsigned int i = 0;

	while (i < SERVERS_MAX && (!addr_is_set(&w->known[i].addr) || !addr_equal(&w->known[i].addr, addr)))
		i++;
	return i;
}

/* What is known of it; NULL: nothing. */
static const struct webserver *
look_up(const struct webservers *w, const struct addr *addr)
{
	unsigned int i = find(w, addr);

	return i < SERVERS_MAX ? &w->known[i] : NULL;
}

static struct webserver *
find_or_add(struct webservers *w, const struct addr *addr)
{
	unsigned int i = find(w, addr);

	if (i == SERVERS_MAX) {
		i = w->oldest++ % SERVERS_MAX;
		w->known[i] = (struct webserver){.addr = *addr};
	}
	return &w->known[i];
}

unsigned int
webservers_count(const struct webservers *w)
{
	const struct servers *s = w->servers;
	unsigned int count = 0;
	uint32_t i, j;

	for (i = 0; i < s->keep_alive_count; i++) {
		for (j = 0; j < i && !addr_equal(&s->keep_alive[i].addr, &s->keep_alive[j].addr); j++)
			;
		count += j == i;
	}
	return count;
}

/* When it may be tried, on the monotonic clock. */
static double
due_at(const struct webservers *w, const struct server *server, enum choice choice)
{
	const struct webserver *known = look_up(w, &server->addr);
	double due = known != NULL ? known->not_before : 0;

	if (choice < CHOICE_ALL && known != NULL && known->in_vain)
		return net_now() + FIRST_REST;
	if (choice >= CHOICE_RESTING)
		return due;
	if (known != NULL && known->rest_until > due)
		due = known->rest_until;
	return (double)server->rest_until > due ? (double)server->rest_until : due;
}

/* Looks round the list for the one that is due first; those due by now are equal. */
static const struct server *
find_first_due(struct webservers *w, webservers_busy *busy, void *context, enum choice choice, double *due)
{
	const struct servers *s = w->servers;
	const struct server *first = NULL;
	double now = net_now();
	uint32_t i;

	for (i = 0; i < s->keep_alive_count && (first == NULL || *due > now); i++) {
		const struct server *server = &s->keep_alive[(w->next + i) % s->keep_alive_count];
		double at = due_at(w, server, choice);

		if (busy(context, &server->addr) || (first != NULL && at >= *due))
			continue;
		first = server;
		*due = at;
	}
	return first;
}

const struct server *
webservers_choose(struct webservers *w, webservers_busy *busy, void *context, bool urgent, double *wait)
{
	enum choice choice, last = urgent ? CHOICE_ALL : CHOICE_GOOD;
	const struct server *server = NULL;
	double due = 0, now = net_now();

	/* Who did not fail comes first, also in need. */
	for (choice = CHOICE_GOOD; choice <= last && (server == NULL || due > now); choice++)
		server = find_first_due(w, busy, context, choice, &due);
	*wait = server != NULL && due > now ? due - now : 0;
	if (server == NULL || due > now)
		return NULL;
	w->next = (unsigned int)(server - w->servers->keep_alive) + 1;
	return server;
}

void
webservers_note_failure(struct webservers *w, const struct addr *addr)
{
	find_or_add(w, addr)->rest_until = net_now() + FIRST_REST;
	uplink_tell_server(w->uplink, addr, false);
}

void
webservers_note_vain(struct webservers *w, const struct addr *addr)
{
	find_or_add(w, addr)->in_vain = true;
}

void
webservers_note_life(struct webservers *w, const struct addr *addr, double seconds, double most)
{
	struct webserver *s = find_or_add(w, addr);
	double pause;

	if (seconds >= SHORT_LIFE) {
		s->short_lives = 0;
		return;
	}
	if (++s->short_lives <= SHORT_LIVES_FREE)
		return;
	pause = backoff_seconds(s->short_lives - SHORT_LIVES_FREE);
	s->not_before = net_now() + (pause < most ? pause : most);
}

bool
webservers_is_fickle(const struct webservers *w, const struct addr *addr)
{
	const struct webserver *s = look_up(w, addr);

	return s != NULL && s->short_lives > SHORT_LIVES_FREE;
}

void
webservers_note_contact(struct webservers *w)
{
	unsigned int i;

	for (i = 0; i < SERVERS_MAX; i++)
		w->known[i].in_vain = false;
}

static bool
was_resting(const struct webservers *w, const struct addr *addr)
{
	uint32_t i;

	for (i = 0; i < w->servers->keep_alive_count; i++)
		if (addr_equal(&w->servers->keep_alive[i].addr, addr) && w->servers->keep_alive[i].rest_until > 0)
			return true;
	return false;
}

void
webservers_note_success(struct webservers *w, const struct addr *addr)
{
	unsigned int i = find(w, addr);

	if (i < SERVERS_MAX)
		w->known[i].rest_until = 0;
	if (was_resting(w, addr))
		uplink_tell_server(w->uplink, addr, true);
}

double
webservers_idle_limit(const struct webservers *w, const struct addr *addr)
{
	const struct webserver *s = look_up(w, addr);

	return s != NULL ? s->idle_limit : 0;
}

void
webservers_note_idle_end(struct webservers *w, const struct addr *addr, double seconds)
{
	struct webserver *s = find_or_add(w, addr);

	if (seconds < s->idle_end * ABOUT && s->idle_end < seconds * ABOUT)
		s->idle_limit = seconds < s->idle_end ? seconds : s->idle_end;
	s->idle_end = seconds;
}

struct webservers *
webservers_new(const struct servers *servers, struct uplink *uplink)
{
	struct webservers *w = alloc_zero(sizeof(*w));

	w->servers = servers;
	w->uplink = uplink;
	return w;
}

void
webservers_free(struct webservers *w)
{
	free(w);
}
