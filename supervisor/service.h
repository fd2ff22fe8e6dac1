/* SPDX-License-Identifier: ISC */
/*
 * The table of mappings that natterd serves, and the policy of it: which
 * worker runs, when a dead one is replaced, which report is believed.
 */
#ifndef SERVICE_H
#define SERVICE_H

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "bucket.h"
#include "complaints.h"
#include "config.h"
#include "hearing.h"
#include "held.h"
#include "interface.h"
#include "mapping.h"
#include "outer_event.h"
#include "peer.h"
#include "portloss.h"
#include "quota.h"
#include "report.h"
#include "takeover.h"
#include "tally.h"

struct hook;

struct service {
	TAILQ_ENTRY(service) entry;
	struct mapping mapping;
	const struct config_mapping *config; /* its servers' names, its hook */
	struct servers servers;              /* what was last resolved for it */
	struct report report;                /* the last valid one, or what service.c says instead */
	struct hearing hearing;              /* how often that may be another one */
	struct addr last_outer;              /* what was last published as open; unset: nothing yet */
	enum outer_event event;              /* the last one that its outer address had */
	struct addr old_outer;               /* the outer address before that event; unset: none */
	uint64_t changes[OUTER_EVENT_COUNT]; /* how many of each event it had */
	struct tally tally;                  /* what its workers counted */
	int64_t state_since;                 /* Unix time since which report.state has been what it is */
	struct peer peer;                    /* its worker */
	struct portloss portloss;            /* its port cannot be had */
	struct held held;                    /* what outlives the worker */
	struct interface interface;          /* where it is bound while its address is gone */
	struct takeover takeover;            /* from a dead worker to the next one */
	struct event *takeover_deadline;     /* ends it, and what nobody took over by then */
	struct event *restart;               /* starts the next worker */
	struct event *healthy;               /* it proves itself: failures start again at 0 */
	struct complaints complaints;        /* publish.c's, logged since it was open */
	unsigned int failures;               /* workers that died since one proved itself */
	struct bucket replacements;          /* workers that may be replaced at once */
	unsigned int restarts;               /* workers replaced since natterd started */
	bool awaits_turn;                    /* it had no worker yet, since many begin; see turns.h */
	bool as_asked;                       /* it has no worker now because somebody asked for that */
	struct hook *hook;                   /* hook.c's; NULL: it is retired */
	bool watches;                        /* its worker has the duty to watch the NAT; watch.c's */
	struct quota news;                   /* servers.c's, of what its worker says of servers */
	struct quota alarms;                 /* neighbours.c's, of holes that it lost */
	struct quota lines;                  /* publish.c's, of the log */
	struct quota explanations;           /* lastresort.c's, of who has its port */
};

TAILQ_HEAD(services, service);

/* Makes a service of each mapping and starts its worker.  config must live as
 * long as the services, or until they all have another one. */
void services_start(struct event_base *base, const struct config *config);

/* Every mapping, in the order of natter.cfg. */
struct services *services_all(void);
/* Finds by name; NULL if there is none. */
struct service *service_find(const char *name);

/* New resolved addresses, or news of servers: sends them to every worker that they concern. */
void services_update_servers(void);

/* The next three are for a configuration that is read again.  *m is of config and must live as
 * long as the service, or until it has another one. */
/* Makes a service, the last one of the table, which service_begin then starts; if many begin, in
 * its turn. */
struct service *service_add(const struct config *config, const struct config_mapping *m);
void service_begin(struct service *s);
/* From now on its mapping is *m, which has the same protocol and bind address: its worker goes
 * on with it, and neither the hole nor a connection is lost. */
void service_change(struct service *s, const struct config *config, const struct config_mapping *m);
/* The same for another protocol or address, which takes another worker. */
void service_move(struct service *s, const struct config *config, const struct config_mapping *m);
/* Its worker leaves, its hole is let go, and s is freed. */
void service_remove(struct service *s);

/* From now on natterd and all of its workers log at this level. */
void services_set_log_level(enum log_level level);

/* As the operator asks: its worker looks again at once, and starts at once if it waits
 * to be restarted. */
void service_refresh(struct service *s);
/* Its worker ends, its hole is let go, and its address with it; only the two below start it
 * again.  Returns false if it was stopped already. */
bool service_stop(struct service *s);
/* Returns false if it was not stopped. */
bool service_start(struct service *s);
/* Another worker takes the place of its own, if possible in the same hole; or starts at once, also
 * after a stop.  Returns true. */
bool service_restart(struct service *s);
bool service_is_stopped(const struct service *s);

/* Another worker is started in place of its own, if it has one, since the mapping itself
 * changed, for the reason in plain words; none if it is stopped. */
void service_renew(struct service *s, const char *why);

/* From now on *new is what is known of it, and everybody is told. */
void service_report(struct service *s, const struct report *new);

/* The network may be another one: every worker looks again at once, and where the mappings'
 * addresses are is looked at, too. */
void services_look_again(void);

/* The clock was set so many seconds forward, or back if negative: since when things are as they are is
 * told by the clock as it is now, or "for three days" would be said of what began a minute ago. */
void services_shift_times(int64_t seconds);

/* Ends every worker, within half a second, and retires every hook. */
void services_stop(void);
/* Forgets the table. */
void services_free(void);

#endif
