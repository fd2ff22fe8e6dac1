/* SPDX-License-Identifier: ISC */
/*
 * The control socket: a Unix stream socket on which natterctl and others ask
 * for the present state.  A request is one line of JSON, its answer another:
 *
 *     {"command": "list"}                  {"ok": true, "mappings": [{...}, ...]}
 *     {"command": "show", "name": "web"}   {"ok": true, "mapping": {...}}
 *     {"command": "refresh"}               {"ok": true, "refreshed": 2}
 *     {"command": "refresh", "name": "web"}   {"ok": true, "refreshed": 1}
 *     {"command": "restart", "name": "web"}   {"ok": true, "changed": true}
 *     {"command": "stop", "name": "web"}   the same; changed is false if it was stopped already
 *     {"command": "start", "name": "web"}  the same; changed is false if it was not stopped
 *     {"command": "reload"}                {"ok": true, "reload": {"kept": 49, "changed": 1, ...}}
 *     {"command": "watch"}                 {"ok": true}, and then news, a line each
 *     {"command": "watch", "name": "web"}  the same of one mapping
 *     {"command": "metrics"}               {"ok": true, "metrics": "# HELP ..."}
 *     {"command": "log-level"}             {"ok": true, "level": "info"}
 *     {"command": "log", "level": "debug"}   {"ok": true, "level": "debug"}
 *     {"command": "version"}               {"ok": true, "version": "1.0.0", "pid": 1, "file": "/etc/natter.cfg"}
 *     {"command": "check-nat"}             {"ok": true, "check": {...}}
 *     anything else                        {"ok": false, "error": "in plain words"}
 *
 * Whoever may connect may read.  What changes something (refresh, restart, stop, start, log, reload)
 * is only done for root and natterd's own user, by the credentials that the kernel has of the client.
 *
 * A mapping is an object with every field of record.h; refreshed is the number of
 * mappings that look again; metrics are metrics.h's text; a check is checknat_verdict.h's, and
 * its answer takes up to a minute.  Several requests may follow one another.
 *
 * A reload's numbers are those of reload_counts in reload_services.h; beside them are
 * "needs_restart", the settings that only a start applies and that differ, and "text", all of it in
 * a line.  A file that is refused is an error with "mistakes", a line each.
 *
 * News is {"time": 1700000000, "event": "change", "mapping": {...}}: first each mapping as
 * it is ("present"), then what happened since the client was last told of a mapping: to
 * its outer address (the field event of record.h: "up", "change" or "down"; old_outer is then
 * the one that the client knew), else to its "state", "reach", "error" or "advice".  "new" is
 * a mapping that natterd did not have before, "gone" one that it has no more, of which
 * only the name is told.  A client that reads slowly is told less often, not later: each
 * line has what is true when it is written.  What else a client sends that watches is of no
 * interest; when it ends its side, the connection ends.
 *
 * What is no request at all ends the connection, and so does a request that is not complete, or
 * an answer that is not read, within 30 s, unless the client watches.  No client keeps another one
 * waiting, or out (control_clients.c).
 */
#ifndef CONTROL_H
#define CONTROL_H

#include <event2/event.h>
#include <json-c/json.h>
#include <sys/types.h>

#include "service.h"

/* Listens at path, mode 0660 and of group gid ((gid_t)-1: whatever it is) from
 * the first moment; makes the last directory of path if it is missing.  A
 * socket that a dead natterd left behind is replaced.  SIGPIPE must be ignored.
 * Returns 0, or -1 with errno: EADDRINUSE if somebody answers there already,
 * EEXIST if something else than a socket is there, ELOOP if the way there leads through somebody
 * else's link (way.h). */
int control_open(struct event_base *base, const char *path, gid_t gid);

/* Sends the answer to every client that waits for one. */
void control_answer_waiting(struct json_object *answer);

/* publish.c's observer: there may be news for clients that watch.  Both may be NULL, as when the
 * table of mappings has changed. */
void control_report(const struct service *service, const struct report *old);

/* Drops every client and removes the socket, if it is still ours. */
void control_close(void);

#endif
