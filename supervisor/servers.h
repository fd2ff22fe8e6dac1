/* SPDX-License-Identifier: ISC */
/*
 * The servers that a worker is told of: what is known of their names (resolve.h), and of
 * their failures (reputation.h), which the workers of all mappings tell.  A worker's word
 * counts only for servers of its own mapping.
 */
#ifndef SERVERS_H
#define SERVERS_H

#include "service.h"

/* changed is called a little after the workers' news, for many of them once. */
void servers_open(struct event_base *base, void (*changed)(void));
void servers_close(void);

/* What the worker of s is to be told now. */
void servers_list(const struct service *s, struct servers *out);

/* A message of the kind MESSAGE_SERVER from the worker of s.  Returns what
 * peer_handlers.on_message does. */
const char *servers_take_news(struct service *s, const struct message *m);

/* Forgets the failures of servers that no mapping has any more. */
void servers_forget_unused(void);

#endif
