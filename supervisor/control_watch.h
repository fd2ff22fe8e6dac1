/* SPDX-License-Identifier: ISC */
/*
 * What one client that watches was told of the mappings, and so what is news to it.  It is
 * told snapshots, not events: of a mapping that changed twice since it was last told, it
 * hears once, and what is true by then.  Knows nothing of sockets.
 */
#ifndef CONTROL_WATCH_H
#define CONTROL_WATCH_H

#include <event2/buffer.h>

struct control_watch;

/* Nothing was told yet.  name: of this mapping only; NULL: of all. */
struct control_watch *control_watch_new(const char *name);
void control_watch_free(struct control_watch *w);

/* Adds a line of JSON (control.h) to out for each mapping of which there is news, one at most
 * for each. */
void control_watch_tell(struct control_watch *w, struct evbuffer *out);

#endif
