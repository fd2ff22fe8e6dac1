/* SPDX-License-Identifier: ISC */
/*
 * The clients of the control socket: what they sent is read, answered and, for those that
 * wait or watch, told later.  control.h has the protocol, control_commands.h the answers.
 */
#ifndef CONTROL_CLIENT_H
#define CONTROL_CLIENT_H

#include <event2/event.h>
#include <stdbool.h>

/* Serves the client that was accepted as fd, which does not block, from now on, and closes fd in
 * the end; another client may have to leave for it.  Returns false, and fd is still the caller's,
 * if the kernel does not say whose client it is. */
bool control_client_new(struct event_base *base, int fd);

unsigned int control_clients_count(void);

/* Drops every client. */
void control_clients_end(void);

#endif
