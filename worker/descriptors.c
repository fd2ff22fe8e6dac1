/* SPDX-License-Identifier: ISC */
/*
 * The limit of open descriptors; see descriptors.h.
 */
#include "descriptors.h"

#include <errno.h>
#include <string.h>
#include <sys/resource.h>

#include "log.h"

/* As many as Linux gives by default. */
#define DESCRIPTORS_LEAST 65536
/* For pipes, which are two each, and for what holds the port open. */
#define DESCRIPTORS_RESERVE 5536

static rlim_t granted; /* a filter of system calls may keep it from being read again */

/* Two for each connection, one for each session. */
static rlim_t
needed(const struct mapping *m)
{
	rlim_t clients = m->protocol == PROTOCOL_TCP ? 2 * (rlim_t)m->max_connections : (rlim_t)m->max_udp_sessions;

	return clients + DESCRIPTORS_RESERVE;
}

void
descriptors_raise(const struct mapping *mapping)
{
	rlim_t wanted = needed(mapping) > DESCRIPTORS_LEAST ? needed(mapping) : DESCRIPTORS_LEAST;
	struct rlimit limit = {wanted, wanted};

	if (setrlimit(RLIMIT_NOFILE, &limit) == 0) {
		granted = wanted;
		return;
	}
	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		fatal("cannot read the limit of open descriptors: %s", strerror(errno));
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
		log_debug("keeps the limit of open descriptors as it is: %s", strerror(errno));
	granted = limit.rlim_cur;
}

void
descriptors_check(const struct mapping *mapping)
{
	bool tcp = mapping->protocol == PROTOCOL_TCP;
	uint32_t set = tcp ? mapping->max_connections : mapping->max_udp_sessions;

	if (!addr_is_set(&mapping->target) || granted >= needed(mapping) ||
	    set == (tcp ? CONNECTIONS_DEFAULT : UDP_SESSIONS_DEFAULT))
		return;
	log_warning("%s = %u takes %llu descriptors, but this worker may have %llu: raise natterd's limit, if that is smaller "
		    "(LimitNOFILE, ulimit -n), and run natterctl restart %s",
	    tcp ? "max_connections" : "max_udp_sessions", set, (unsigned long long)needed(mapping),
	    (unsigned long long)granted, mapping->name);
}
