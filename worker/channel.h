/* SPDX-License-Identifier: ISC */
/*
 * A UDP socket that speaks with one peer.  On the mapped port it shares the port
 * with the socket that serves it: once connected it gets the peer's datagrams
 * alone; what it received between its bind and its connect is a client's and goes
 * to worker->on_stray.  So does what comes from the peer's address but was not asked for:
 * there may be a client, too, and anybody can send in its name.
 */
#ifndef CHANNEL_H
#define CHANNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "worker.h"

struct channel;
struct socket_wish;

struct channel_handlers {
	/* From the peer, 1 to 65,527 bytes; the handler may free the channel.  Returns false, with nothing
	 * done, if it is a client's. */
	bool (*on_datagram)(void *context, const uint8_t *data, size_t length);
	/* An errno, mostly an ICMP error to what was sent; likewise. */
	void (*on_error)(void *context, int error);
};

/* Takes over the bound, non-blocking socket fd and connects it to the peer, which sends
 * nothing.  Returns NULL with errno; fd is closed then. */
struct channel *channel_open(struct worker *worker, int fd, const struct addr *peer,
    const struct channel_handlers *handlers, void *context);
/* c may be NULL. */
void channel_free(struct channel *c);
/* No channel will be opened on the socket that is wished for (SOCKET_CONNECT, UDP): it is
 * closed when it is here, but what it received until then is a client's, too.  wish is invalid
 * afterwards. */
void channel_forget_socket(struct worker *worker, struct socket_wish *wish);

/* The socket, for sending. */
int channel_fd(const struct channel *c);

#endif
