/* SPDX-License-Identifier: ISC */
/*
 * natter.cfg as a struct.  The config_* files beside this are the only ones that
 * know libconfig.
 * A file is taken whole or refused whole: every mistake is logged as
 * "FILE:LINE: what is wrong and what to do", and nothing has happened.
 */
#ifndef CONFIG_H
#define CONFIG_H

#include <limits.h>
#include <stdio.h>
#include <sys/queue.h>
#include <sys/types.h>

#include "hook_settings.h"
#include "log.h"
#include "mapping.h"

/* Names or addresses of servers, each a host and a port. */
struct config_host {
	char host[ADDR_HOST_SIZE];
	uint16_t port;
};

struct config_hosts {
	struct config_host *list;
	size_t count;
};

struct config_mapping {
	TAILQ_ENTRY(config_mapping) entry;
	struct mapping mapping;       /* bind's port is 0: natterd chooses and remembers one */
	struct config_hosts stun;     /* the global list unless the mapping has its own */
	struct config_hosts keep_alive; /* empty for UDP: STUN keeps it alive */
	struct hook_settings hook;    /* the global ones unless the mapping has its own */
	int line;                     /* where natter.cfg asks for it */
	bool chooses_port;            /* ports.c's: it has none of natter.cfg */
};

TAILQ_HEAD(config_mappings, config_mapping);

struct config {
	char file[PATH_MAX];      /* absolute; of config_single without a file: what to call it instead */
	char directory[PATH_MAX]; /* of the file: relative paths and hooks start there */
	enum log_level log_level;
	char *log_file;    /* absolute; NULL: syslog */
	char *status_file; /* absolute; NULL: none */
	char *control_socket; /* this and the next two are NULL only for config_single */
	char *pid_file;
	char *state_dir;
	char *user; /* what workers run as when natterd is started as root */
	uid_t uid;
	gid_t gid;
	struct config_hosts stun[2]; /* by enum protocol: of every mapping that has none of its own */
	struct config_mappings mappings;
	size_t mapping_count;
};

/* Reads FILE.  Returns the configuration, or NULL after logging every mistake. */
struct config *config_load(const char *file);
/* The configuration that is this one mapping (NULL: none) and writes no file: no status, hook,
 * control socket, pid file or memory of ports.  Of FILE it has the servers, the
 * intervals and the user; NULL: the built-in ones.  Returns as config_load does. */
struct config *config_single(const char *file, const struct mapping *mapping);
void config_free(struct config *config);

/* As if the file said so. */
void config_set_log_level(struct config *config, enum log_level level);

/* Prints FILE's configuration in natter.cfg's own syntax, every setting with its default filled
 * in: whoever reads that has the same configuration, and prints the same.  Hooks, with the
 * passwords in them, are part of it.  Returns 0, or -1 after logging every mistake. */
int config_print(const char *file, FILE *stream);

/* Prints what natterd would run with this configuration, a mapping a line. */
void config_describe(const struct config *config);

#endif
