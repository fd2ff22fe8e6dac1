/* SPDX-License-Identifier: ISC */
/*
 * What a service manager is told that started natterd in the foreground and waits
 * for it, as systemd does with Type=notify: lines "NAME=value" in one datagram to
 * the socket that NOTIFY_SOCKET names; see sd_notify(3).  Nothing answers, and what
 * cannot be sent is only logged: natterd does not need anybody to listen.
 */
#ifndef NOTIFY_H
#define NOTIFY_H

#include <stdbool.h>

/* Takes NOTIFY_SOCKET out of the environment, so that no child can speak for natterd.
 * Unless wanted, or if it is absent, the others do nothing. */
void notify_open(bool wanted);

/* The start, or the reload that notify_reloading announced, is over. */
void notify_ready(void);
void notify_reloading(void);
void notify_stopping(void);

/* How many mappings are open, if that is news. */
void notify_mappings(void);

#endif
