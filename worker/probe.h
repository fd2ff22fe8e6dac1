/* SPDX-License-Identifier: ISC */
/*
 * One STUN transaction (RFC 8489, 6.2) with one server from the mapped port,
 * over TCP or UDP as the mapping's protocol says.  Over UDP the socket stays
 * and can ask again: that is the keep-alive of a UDP mapping.
 */
#ifndef PROBE_H
#define PROBE_H

#include "report.h"
#include "worker.h"

struct probe;

#define PROBE_REASON_SIZE 160

struct probe_result {
	bool ok;
	struct addr mapped; /* if ok: what the server sees */
	struct addr local;  /* if ok: the socket's own address */
	struct addr other;  /* if ok: the server's alternate address and port (RFC 5780, 7.4); unset: none told */
	bool not_asked;     /* if not ok: because of this machine, which gave no socket for it */
	bool no_way;        /* if not ok: because this machine itself knows no way to the server */
	char error[REPORT_ERROR_SIZE];   /* if not ok: in plain words, with the server's name */
	char reason[PROBE_REASON_SIZE]; /* the same without it */
};

/* Called once per transaction; it may call probe_free or probe_again. */
typedef void probe_done(void *context, struct probe *probe, const struct probe_result *result);

struct probe *probe_start(struct worker *worker, const struct server *server, probe_done *done, void *context);
/* UDP only, after a transaction ended: begins the next one from the same socket. */
void probe_again(struct probe *probe);
/* Whoever keeps a probe after its first transaction takes its answers over. */
void probe_hand_over(struct probe *probe, probe_done *done, void *context);
void probe_free(struct probe *probe);

/* The server being asked. */
const struct server *probe_server(const struct probe *probe);

#endif
