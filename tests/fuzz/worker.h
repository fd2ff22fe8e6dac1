/* SPDX-License-Identifier: ISC */
/*
 * spawn.c's place, and a mapping to serve: no process is started, and what a worker would
 * read and write is here.
 */
#ifndef WORKER_H
#define WORKER_H

#include <bsd/string.h>
#include <event2/event.h>
#include <limits.h>
#include <unistd.h>

#include "fuzz.h"
#include "service.h"
#include "spawn.h"

/* No process has this number (the kernel's PID_MAX_LIMIT), so killing it hurts nobody. */
#define WORKER_PID INT_MAX

static struct event_base *worker_base;
static struct config *worker_config; /* with the mapping "web" */
static int worker_fd = -1;           /* the worker's end of the socket, as long as it lives */

pid_t
spawn_worker(int *fd)
{
	int pair[2];

	MUST(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) == 0);
	if (worker_fd >= 0)
		close(worker_fd);
	*fd = pair[0];
	worker_fd = pair[1];
	return WORKER_PID;
}

void
spawn_reap(void)
{
	peers_reaped(WORKER_PID, 0);
}

/* Starts the service afresh. */
static inline void
worker_begin(void)
{
	struct mapping mapping = {.name = "web", .protocol = PROTOCOL_TCP};

	log_set_sink(fuzz_log);
	log_set_level(LOG_LEVEL_DEBUG);
	if (worker_base == NULL) {
		addr_parse("192.168.1.2:5000", 0, &mapping.bind);
		addr_parse("127.0.0.1:80", 0, &mapping.target);
		worker_base = event_base_new();
		worker_config = config_single(NULL, &mapping);
		MUST(worker_base != NULL && worker_config != NULL);
	}
	services_start(worker_base, worker_config);
}

static inline void
worker_end(void)
{
	spawn_reap(); /* there is nobody to wait for */
	services_stop();
	services_free();
	close(worker_fd);
	worker_fd = -1;
}

#endif
