/* SPDX-License-Identifier: ISC */
/*
 * One mapping from the command line; see single.h.
 */
#include "single.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "broker.h"
#include "log.h"

struct config *
single_load(const struct options *options)
{
	struct mapping m;

	memset(&m, 0, sizeof(m));
	m.protocol = options->udp ? PROTOCOL_UDP : PROTOCOL_TCP;
	m.task = TASK_HOLD;
	m.test_page = options->test_page;
	m.bind = options->port;
	snprintf(m.name, sizeof(m.name), "%s-%u", protocol_name(m.protocol), addr_port(&m.bind));
	return config_single(options->config_file, &m);
}

static int
try_port(const struct mapping *m)
{
	int fd;

	/* Two that serve it must not share the port: each would get some of the clients. */
	if (mapping_is_served(m))
		return broker_try_port(m, true);
	fd = broker_make_socket(m, SOCKET_CONNECT);
	return fd < 0 ? -1 : close(fd);
}

static const char *
explain_owner(const struct mapping *m)
{
	if (m->task == TASK_CHECK)
		return "another program on this machine has it; choose another port, or none";
	if (mapping_is_served(m))
		return "another program on this machine has it; choose another port, or open the port for that program: "
		       "without -t";
	if (m->protocol == PROTOCOL_UDP)
		return "another program on this machine has it and does not share it (SO_REUSEADDR), or belongs to another "
		       "user; choose another port";
	return "another program on this machine has it and does not share it (SO_REUSEADDR and SO_REUSEPORT), or belongs to "
	       "another user; start natterd as root, or choose another port";
}

const char *
single_explain_port(const struct mapping *m, int error)
{
	switch (error) {
	case EACCES:
		return "that takes root; start natterd as root, or choose a port from 1024 on";
	case EADDRNOTAVAIL:
		return "this machine does not have that address; leave it out to take any";
	case ENOPROTOOPT:
		return "This system does not support reusing ports.";
	case EADDRINUSE:
		return explain_owner(m);
	default:
		return strerror(error);
	}
}

int
single_check_port(const struct mapping *mapping)
{
	char where[ADDR_TEXT_SIZE];
	int error;

	if (try_port(mapping) == 0)
		return 0;
	error = errno;
	log_error("natterd: cannot have %s port %s: %s", mapping->protocol == PROTOCOL_TCP ? "TCP" : "UDP",
	    addr_text(&mapping->bind, where), single_explain_port(mapping, error));
	return -1;
}
