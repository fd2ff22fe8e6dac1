/* SPDX-License-Identifier: ISC */
/*
 * The few things that every user of a socket here needs.
 */
#ifndef NET_H
#define NET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "addr.h"

/* Seconds on the monotonic clock. */
double net_now(void);

/* Reads and clears the socket's pending error: 0 or an errno. */
int net_socket_error(int fd);

/* How many bytes the other side of a TCP connection has not acknowledged yet (tcp(7), TIOCOUTQ). */
uint32_t net_undelivered(int fd);

/* Receives one datagram and its sender.  Returns its length, which may be 0, or -1
 * with errno. */
ssize_t net_receive(int fd, void *data, size_t size, struct addr *from);

/* close(2) will send a reset: neither TIME_WAIT nor an orphan in FIN_WAIT1 then
 * blocks the next connection from the same port to the same server. */
void net_set_reset_on_close(int fd);

/* Ends the socket's connection at once, with a reset if need be, although others may hold
 * duplicates of the socket. */
void net_disconnect(int fd);

/* Has this machine the address, so that what it sends there never leaves it? */
bool net_is_own_address(const struct addr *a);

/* Why bind(2) failed. */
const char *net_bind_error(int error);

/* Why the supervisor gave no socket on the mapped port. */
void net_explain_no_socket(int error, char *buf, size_t size);

/* Does the errno say that there is no way to the other side, rather than what it did? */
bool net_is_no_network(int error);

/* Does the errno say that there are no descriptors or no memory, which waiting may end? */
bool net_is_shortage(int error);

/* Why connect(2) failed, in words that fit a socket bound to the mapped port. */
const char *net_connect_error(int error);

#endif
