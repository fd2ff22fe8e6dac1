/* SPDX-License-Identifier: ISC */
/*
 * Lists of servers' names: copies, and the built-in ones.  Looks nothing up.
 */
#ifndef CONFIG_HOSTS_H
#define CONFIG_HOSTS_H

#include "config.h"

#define CONFIG_HOSTS_STUN_PORT 3478 /* RFC 8489, 6.1 */
#define CONFIG_HOSTS_KEEP_ALIVE_PORT 80

/* Each fills *out, which was empty; config_hosts_free makes it so again. */
void config_hosts_copy(const struct config_hosts *from, struct config_hosts *out);
void config_hosts_builtin_stun(enum protocol protocol, struct config_hosts *out);
void config_hosts_builtin_keep_alive(struct config_hosts *out);

/* The same names and ports in the same order? */
bool config_hosts_equal(const struct config_hosts *a, const struct config_hosts *b);

void config_hosts_free(struct config_hosts *hosts);

#endif
