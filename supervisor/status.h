/* SPDX-License-Identifier: ISC */
/*
 * The status file: JSON, replaced as a whole, mode 0644.  Its "tcp" and "udp"
 * are v0.9's: the inner and outer address of every mapping that has an outer
 * one.  "mappings" has every field of every mapping.  Traffic counters are as
 * old as the last change of a state or an address, for counters alone never
 * cause a write.  While it cannot be written the old file stays, and every 5 s it is
 * tried again.
 *
 *     {"tcp": [{"inner": "ip:port", "outer": "ip:port"}], "udp": [],
 *      "mappings": [{"name": "web", ...}], "pid": 1, "updated": 1700000000,
 *      "version": "1.0.0"}
 */
#ifndef STATUS_H
#define STATUS_H

#include <event2/event.h>

/* Where to write from now on; NULL: nowhere, and the functions below do nothing.
 * Writes nothing yet; what was there stays, except temporaries of a natterd that was
 * killed.  A pending write is forgotten. */
void status_set_file(struct event_base *base, const char *path);

/* Within 20 ms, so that fifty mappings that open at once cause few writes. */
void status_write_soon(void);
void status_write_now(void);

/* The last write of a clean exit, while services_all() still lists the mappings:
 * none has an outer address and each is "stopped". */
void status_write_stopped(void);

#endif
