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
#include "config_hosts.h"
#include "log.h"
#include "peer.h"
#include "ports.h"
#include "resolve.h"
#include "single.h"

/* Names are looked at so often.  After the first span some servers suffice, after the
 * second a name that is still being looked up counts as unknown. */
static const struct timeval glance_time = {.tv_usec = 50000};
#define GLANCES_A_SECOND 20
#define GLANCES_FEW (2 * GLANCES_A_SECOND)
#define GLANCES_MAX (10 * GLANCES_A_SECOND)
/* So many servers can tell everything as a rule. */
#define SERVERS_FEW 4
/* After this a worker is asked for what it knows, and a little later it is ended. */
#define ALL_SECONDS 55
#define LAST_SECONDS 2

struct part {
	struct checknat *check;
	struct mapping mapping;
	struct peer peer;
	struct servers servers;
	struct config_hosts hosts; /* a copy: natter.cfg may be read again meanwhile */
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
note_same_host(struct checknat *c)
{
	const struct addr *answered = &c->result.parts[PROTOCOL_TCP].report.server;
	const struct servers *asked = &c->parts[PROTOCOL_UDP].servers;
	uint32_t i;

	for (i = 0; i < asked->stun_count; i++)
		c->result.same_host = c->result.same_host ||
		    (addr_is_set(answered) && addr_same_ip(&asked->stun[i].addr, answered));
}

static void
end_part(struct part *p)
{
	struct checknat *c = p->check;

	p->over = true;
	if (!is_over(&c->parts[0]) || !is_over(&c->parts[1]))
		return;
	note_same_host(c);
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

	resolve_stun(&p->hosts, p->mapping.bind.sa.sa_family == AF_INET6 ? AF_INET : AF_INET6, &p->servers);
	r->known = p->servers.stun_count;
	resolve_stun(&p->hosts, p->mapping.bind.sa.sa_family, &p->servers);
	r->usable = p->servers.stun_count;
	r->known += r->usable;
	for (i = 0; i < p->servers.stun_count; i++)
		r->fake_address = r->fake_address || is_fake_address(&p->servers.stun[i].addr);
	if (peer_start(&p->peer, p->check->base, &p->servers) < 0)
		fail(p, strerror(errno));
}

static bool
has_few(const struct part *p)
{
	struct servers servers;

	resolve_stun(&p->hosts, p->mapping.bind.sa.sa_family, &servers);
	return resolve_is_settled(&p->hosts) || servers.stun_count >= SERVERS_FEW;
}

static bool
may_start(const struct checknat *c)
{
	if (resolve_is_settled(&c->parts[0].hosts) && resolve_is_settled(&c->parts[1].hosts))
		return true;
	return c->glances >= GLANCES_MAX || (c->glances >= GLANCES_FEW && has_few(&c->parts[0]) && has_few(&c->parts[1]));
}

static void
start_workers(struct checknat *c)
{
	struct timeval rest = {.tv_sec = ALL_SECONDS - c->glances / GLANCES_A_SECOND};

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
		if (may_start(c)) {
			start_workers(c);
		} else {
			c->glances++;
			event_add(c->timer, &glance_time);
		}
		return;
	case STEP_TESTS:
		c->step = STEP_LAST;
		event_add(c->timer, &last);
		for (i = 0; i < 2; i++)
			peer_look_again(&c->parts[i].peer, AGAIN_OPERATOR);
		return;
	case STEP_LAST:
		for (i = 0; i < 2; i++)
			peer_kill(&c->parts[i].peer);
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
	/* A service's log has the result; each step of it is for who looks for a fault. */
	m->log_level = config->log_level == LOG_LEVEL_INFO && config->control_socket != NULL ? LOG_LEVEL_WARNING
											     : config->log_level;
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

	config_hosts_copy(&config->stun[protocol], &p->hosts);
	if (fill_mapping(p, protocol, config, bind) == 0)
		return 0;
	log_error("check-%s: cannot check from %s: %s", protocol_name(protocol),
	    addr_port(bind) != 0 ? addr_text(bind, where) : addr_ip_text(bind, where),
	    single_explain_port(&p->mapping, errno));
	return -1;
}

struct checknat *
checknat_start(struct event_base *base, const struct config *config, const struct addr *bind, checknat_done *done,
    void *context)
{
	static const struct peer_handlers handlers = {on_message, NULL, on_ended};
	struct checknat *c = alloc_zero(sizeof(*c));
	int i;

	for (i = 0; i < 2; i++) {
		c->parts[i].check = c;
		peer_init(&c->parts[i].peer, &c->parts[i].mapping, &handlers, &c->parts[i]);
	}
	c->result.ipv6 = bind->sa.sa_family == AF_INET6;
	c->base = base;
	c->done = done;
	c->context = context;
	c->timer = event_new(base, -1, 0, on_timer, c);
	if (c->timer == NULL)
		fatal("natterd: out of memory");
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
	for (i = 0; i < 2; i++) {
		peer_forget(&c->parts[i].peer);
		config_hosts_free(&c->parts[i].hosts);
	}
	event_free(c->timer);
	free(c);
}
