/* SPDX-License-Identifier: ISC */
/*
 * The two workers of a NAT check; see checknat.h.
 */
#include "checknat.h"

#include <bsd/string.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "broker.h"
#include "log.h"
#include "peer.h"
#include "ports.h"
#include "resolve.h"

/* A name that is still being looked up after this counts as unknown. */
#define LOOK_UP_SECONDS 10
static const struct timeval glance_time = {.tv_usec = 50000};
#define GLANCES (LOOK_UP_SECONDS * 20)
/* After this a worker is asked for what it knows, and a little later it is ended. */
#define ALL_SECONDS 57
#define LAST_SECONDS 2

struct part {
	struct checknat *check;
	struct mapping mapping;
	struct peer peer;
	struct servers servers;
	const struct config_hosts *hosts;
	bool over;
};

enum step {
	STEP_NAMES, /* they are being looked up */
	STEP_TESTS,
	STEP_LAST,  /* the workers must come to an end */
};

struct checknat {
	struct event_base *base;
	checknat_done *done;
	void *context;
	struct event *timer; /* to the next glance, or the end of patience */
	unsigned int glances;
	enum step step;
	struct part parts[2]; /* by enum protocol */
	struct checknat_result result;
};

/* RFC 2544's addresses are routed nowhere; proxies hand them out for names. */
static bool
is_fake_address(const struct addr *a)
{
	return a->sa.sa_family == AF_INET && ntohl(a->v4.sin_addr.s_addr) >> 17 == 0xc612 >> 1;
}

static struct checknat_part *
result_of(struct part *p)
{
	return &p->check->result.parts[p->mapping.protocol];
}

static bool
is_over(const struct part *p)
{
	return p->over && p->peer.pid == 0;
}

static void
end_part(struct part *p)
{
	struct checknat *c = p->check;

	p->over = true;
	if (is_over(&c->parts[0]) && is_over(&c->parts[1]))
		c->done(c->context, &c->result);
}

static void
fail(struct part *p, const char *why)
{
	struct checknat_part *r = result_of(p);

	strlcpy(r->report.error, why, sizeof(r->report.error));
	log_error("%s: %s", p->mapping.name, why);
	end_part(p);
}

static const char *
on_message(void *context, const struct message *m)
{
	struct part *p = context;

	if (m->kind != MESSAGE_NAT || p->over)
		return "sent what no worker of a check may send";
	if (m->length != sizeof(m->nat) || !nat_report_is_valid(&m->nat))
		return "sent a malformed result";
	result_of(p)->report = m->nat;
	result_of(p)->reported = true;
	p->over = true;
	peer_end(&p->peer);
	return NULL;
}

static void
on_ended(void *context, const char *why)
{
	struct part *p = context;

	if (p->over)
		end_part(p);
	else
		fail(p, p->check->step == STEP_LAST ? "the check took too long and was ended" : why);
}

static void
start_worker(struct part *p)
{
	struct checknat_part *r = result_of(p);
	uint32_t i;

	resolve_stun(p->hosts, p->mapping.bind.sa.sa_family, &p->servers);
	r->names = (uint32_t)p->hosts->count;
	r->resolved = p->servers.stun_count;
	for (i = 0; i < p->servers.stun_count; i++)
		r->fake_address = r->fake_address || is_fake_address(&p->servers.stun[i].addr);
	if (peer_start(&p->peer, p->check->base, &p->servers) < 0)
		fail(p, strerror(errno));
}

static bool
may_start(const struct checknat *c)
{
	return resolve_is_settled(c->parts[0].hosts) && resolve_is_settled(c->parts[1].hosts);
}

static void
start_workers(struct checknat *c)
{
	struct timeval rest = {.tv_sec = ALL_SECONDS - c->glances * glance_time.tv_usec / 1000000};

	c->step = STEP_TESTS;
	event_add(c->timer, &rest);
	start_worker(&c->parts[0]);
	start_worker(&c->parts[1]);
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	static const struct timeval last = {.tv_sec = LAST_SECONDS};
	struct checknat *c = arg;
	int i;

	(void)fd;
	(void)what;
	switch (c->step) {
	case STEP_NAMES:
		if (may_start(c) || c->glances++ >= GLANCES)
			start_workers(c);
		else
			event_add(c->timer, &glance_time);
		return;
	case STEP_TESTS:
		c->step = STEP_LAST;
		event_add(c->timer, &last);
		for (i = 0; i < 2; i++)
			peer_look_again(&c->parts[i].peer);
		return;
	case STEP_LAST:
		for (i = 0; i < 2; i++)
			peer_end(&c->parts[i].peer);
		return;
	}
}

/* v0.9's option gave one port number for both protocols. */
static int
fill_mapping(struct part *p, enum protocol protocol, const struct config *config, const struct addr *bind)
{
	struct mapping *m = &p->mapping;

	snprintf(m->name, sizeof(m->name), "check-%s", protocol_name(protocol));
	m->protocol = protocol;
	m->task = TASK_CHECK;
	m->uid = config->uid;
	m->gid = config->gid;
	m->log_level = config->log_level;
	m->bind = *bind;
	if (addr_port(bind) == 0)
		return ports_choose(config, m);
	if (broker_try_port(m, true) == 0)
		return 0;
	return -1;
}

static int
fill_part(struct checknat *c, enum protocol protocol, const struct config *config, const struct addr *bind)
{
	struct part *p = &c->parts[protocol];
	char where[ADDR_TEXT_SIZE];

	p->hosts = &config->stun[protocol];
	if (fill_mapping(p, protocol, config, bind) == 0)
		return 0;
	log_error("check-%s: cannot use %s for the check: %s; choose a free port, or none", protocol_name(protocol),
	    addr_text(bind, where), strerror(errno));
	return -1;
}

struct checknat *
checknat_start(struct event_base *base, const struct config *config, const struct addr *bind, checknat_done *done,
    void *context)
{
	static const struct peer_handlers handlers = {on_message, on_ended};
	struct checknat *c = alloc_zero(sizeof(*c));
	int i;

	for (i = 0; i < 2; i++) {
		c->parts[i].check = c;
		peer_init(&c->parts[i].peer, &c->parts[i].mapping, &handlers, &c->parts[i]);
	}
	c->base = base;
	c->done = done;
	c->context = context;
	c->timer = event_new(base, -1, 0, on_timer, c);
	if (c->timer == NULL)
		fatal("out of memory");
	if (fill_part(c, PROTOCOL_TCP, config, bind) < 0 || fill_part(c, PROTOCOL_UDP, config, bind) < 0) {
		checknat_free(c);
		return NULL;
	}
	resolve_add(&config->stun[PROTOCOL_TCP]);
	resolve_add(&config->stun[PROTOCOL_UDP]);
	event_active(c->timer, EV_TIMEOUT, 0);
	return c;
}

void
checknat_free(struct checknat *c)
{
	int i;

	if (c == NULL)
		return;
	for (i = 0; i < 2; i++)
		peer_forget(&c->parts[i].peer);
	event_free(c->timer);
	free(c);
}
