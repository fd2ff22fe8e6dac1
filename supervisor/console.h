/* SPDX-License-Identifier: ISC */
/*
 * What a person sees while natterd keeps one port from the command line: on
 * standard error a line for each step and each trouble, on standard output one
 * line whenever the address is new, which a script can read:
 *
 *     TCP 192.168.77.2:3456 <--> 203.0.113.254:15243
 *
 * On a terminal what matters has a colour, unless NO_COLOR is set or TERM is
 * "dumb".
 */
#ifndef CONSOLE_H
#define CONSOLE_H

#include <event2/event.h>
#include <stdbool.h>

#include "service.h"

/* Says what begins, and takes the log: its lines come without a time. */
void console_open(const struct mapping *mapping);

/* The loop of natterd: ended when the address cannot be written to standard output,
 * which is said before; and names that cannot be resolved are summed up in it. */
void console_use_loop(struct event_base *base);
bool console_has_failed(void);

/* publish.c's observer. */
void console_report(const struct service *service, const struct report *old);

/* Says that it has ended. */
void console_close(void);

#endif
