/* SPDX-License-Identifier: ISC */
/*
 * The control socket: a Unix stream socket on which natterctl and others ask
 * for the present state.  A request is one line of JSON, its answer another:
 *
 *     {"command": "list"}                  {"ok": true, "mappings": [{...}, ...]}
 *     {"command": "show", "name": "web"}   {"ok": true, "mapping": {...}}
 *     {"command": "refresh"}               {"ok": true, "refreshed": 2}
 *     {"command": "refresh", "name": "web"}   {"ok": true, "refreshed": 1}
 *     {"command": "version"}               {"ok": true, "version": "1.0.0", "pid": 1}
 *     {"command": "check-nat"}             {"ok": true, "check": {...}}
 *     anything else                        {"ok": false, "error": "in plain words"}
 *
 * Whoever may connect may read.  What changes something (refresh) is only done for root
 * and natterd's own user, by the credentials that the kernel has of the client.
 *
 * A mapping is an object with every field of record.h; refreshed is the number of
 * mappings that look again; a check is checknat_verdict.h's,
 * and its answer takes up to a minute.  Several requests may
 * follow one another.  What is no request at all ends the connection, so does
 * silence or a client that does not read; no client keeps another one waiting.
 */
#ifndef CONTROL_H
#define CONTROL_H

#include <event2/event.h>
#include <json-c/json.h>
#include <sys/types.h>

/* Listens at path, mode 0660 and of group gid ((gid_t)-1: whatever it is) from
 * the first moment; makes the last directory of path if it is missing.  A
 * socket that a dead natterd left behind is replaced.  SIGPIPE must be ignored.
 * Returns 0, or -1 with errno: EADDRINUSE if somebody answers there already,
 * EEXIST if something else than a socket is there. */
int control_open(struct event_base *base, const char *path, gid_t gid);

/* Sends the answer to every client that waits for one. */
void control_answer_waiting(struct json_object *answer);

/* Drops every client and removes the socket, if it is still ours. */
void control_close(void);

#endif
