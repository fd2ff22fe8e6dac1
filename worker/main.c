/* SPDX-License-Identifier: ISC */
/*
 * natter-worker: holds one mapping open, or checks the NAT.  Started by natterd with the socket to
 * it as descriptor 3; the ritual is to learn the mapping, to give up every
 * privilege, and only then to touch the network.
 */
#include <bsd/unistd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "descriptors.h"
#include "log.h"
#include "message.h"
#include "natcheck.h"
#include "sandbox.h"
#include "session.h"
#include "uplink.h"

#define EXIT_USAGE 2

static bool
has_supervisor(void)
{
	int type = 0;
	socklen_t length = sizeof(type);

	return getsockopt(MESSAGE_WORKER_FD, SOL_SOCKET, SO_TYPE, &type, &length) == 0 && type == SOCK_SEQPACKET;
}

/* Edge-triggered events are what the relays are written for. */
static struct event_base *
make_base(void)
{
	struct event_config *config = event_config_new();
	struct event_base *base = NULL;

	if (config != NULL && event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK) == 0 &&
	    event_config_require_features(config, EV_FEATURE_ET) == 0)
		base = event_base_new_with_config(config);
	if (base == NULL)
		fatal("cannot make an event loop");
	event_config_free(config);
	return base;
}

static void
hold(struct worker *worker)
{
	struct session *session = session_new(worker);

	descriptors_check(&worker->mapping);
	event_base_dispatch(worker->base);
	session_free(session);
}

static void
check(struct worker *worker)
{
	struct natcheck *check = natcheck_new(worker);

	event_base_dispatch(worker->base);
	natcheck_free(check);
}

int
main(int argc, char **argv, char **envp)
{
	struct worker worker = {0};

	if (!has_supervisor()) {
		fprintf(stderr, "natter-worker is started by natterd, one for each mapping; see natterd(8).\n");
		return EXIT_USAGE;
	}
	setproctitle_init(argc, argv, envp);
	signal(SIGPIPE, SIG_IGN);
	log_set_sink(uplink_log);
	uplink_receive_mapping(MESSAGE_WORKER_FD, &worker.mapping);
	log_set_level((enum log_level)worker.mapping.log_level);
	worker.base = make_base();
	worker.confinement = sandbox_enter(&worker.mapping);

	worker.uplink = uplink_new(worker.base, MESSAGE_WORKER_FD);
	if (worker.mapping.task == TASK_CHECK)
		check(&worker);
	else
		hold(&worker);
	uplink_free(worker.uplink);
	event_base_free(worker.base);
	return EXIT_SUCCESS;
}
