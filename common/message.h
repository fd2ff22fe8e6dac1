/* SPDX-License-Identifier: ISC */
/*
 * The whole contract between the supervisor and a worker: one record per
 * packet over a SOCK_SEQPACKET pair, whose worker's end is descriptor 3.
 *
 *     0        4                 the payload's type is the kind's
 *     +--------+------------- - -
 *     | kind   | payload
 *     +--------+------------- - -
 *
 *     down  MAPPING   struct mapping         first, and whenever it changes: never its protocol, task,
 *                                            bind address and identity
 *     down  SERVERS   struct servers         whenever it changes
 *     down  AGAIN     struct again           look again now
 *     down  DUTY      struct duty            whenever it changes
 *     down  SOCKET    struct socket_answer   with one descriptor, or none and an errno
 *     up    SOCKET    struct socket_request  one more socket on my port, or to my target, please
 *     up    SERVER    struct server_news     a server failed, or one that had failed is good again
 *     up    REPORT    struct report          something visible changed
 *     up    NAT       struct nat_report      the result of a TASK_CHECK, once
 *     up    LOG       struct log_record      a log line
 *
 * Every payload but LOG's has one exact length.  End of file means "leave"
 * downwards and "gone" upwards.  Both sides run on one machine and were built
 * together, so the structs travel as they lie in memory.
 */
#ifndef MESSAGE_H
#define MESSAGE_H

#include <stddef.h>
#include <stdint.h>

#include "mapping.h"
#include "nat.h"
#include "report.h"

#define MESSAGE_WORKER_FD 3

enum message_kind {
	MESSAGE_MAPPING,
	MESSAGE_SERVERS,
	MESSAGE_AGAIN,
	MESSAGE_SOCKET,
	MESSAGE_REPORT,
	MESSAGE_LOG,
	MESSAGE_NAT,
	MESSAGE_DUTY,
	MESSAGE_SERVER,
};

enum socket_use {
	SOCKET_CONNECT, /* to be connected to a server */
	SOCKET_FRESH,   /* not on the mapped port but on any free one of the same address */
	SOCKET_SERVE,   /* to take what arrives: listening, or unconnected for UDP */
	/* To be connected to a keep-alive server, or one that already is, by a worker that died:
	 * the supervisor keeps a duplicate, so close(2) alone does not end the connection. */
	SOCKET_KEEP,
	SOCKET_TARGET, /* on no certain port, to be connected to the target of a TCP mapping */
};

struct socket_request {
	uint32_t use; /* enum socket_use */
	/* TCP: whom the supervisor is to connect it to, since the worker itself may only connect to the
	 * target's port; unset: nobody. */
	struct addr to;
};

struct socket_answer {
	uint32_t error; /* 0, or the errno that kept the socket from being made; ECANCELED: it is not to be */
	uint32_t connect_error; /* 0, or the errno for which its connection could not begin; EISCONN: it
				 * is a dead worker's, whose connection goes on */
};

/* Why a worker is to look again. */
enum again_reason {
	AGAIN_NETWORK,  /* an address or a route changed, or the clock jumped: what is under way may be void */
	AGAIN_NEIGHBOUR, /* another mapping's hole was lost or moved, and so may this one's */
	AGAIN_OPERATOR, /* natterctl refresh */
	AGAIN_REASON_COUNT
};

struct again {
	uint32_t reason; /* enum again_reason */
};

struct duty {
	uint32_t watch; /* 1: probe the NAT every second, for all mappings behind it */
};

struct server_news {
	struct addr addr;
	uint32_t good; /* 0: it failed */
};

#define LOG_TEXT_SIZE 400

struct log_record {
	uint32_t level;           /* enum log_level */
	char text[LOG_TEXT_SIZE]; /* terminated; sent only up to its NUL */
};

struct message {
	uint32_t kind;
	size_t length; /* of the payload that was received */
	int fd;        /* a passed descriptor, or -1; the receiver owns it */
	union {
		struct mapping mapping;
		struct servers servers;
		struct socket_request socket_request;
		struct socket_answer socket_answer;
		struct again again;
		struct duty duty;
		struct server_news server_news;
		struct report report;
		struct nat_report nat;
		struct log_record log;
	};
};

/* Sends one record, passing descriptor fd along unless it is -1.  Returns 0,
 * or -1 with errno (EAGAIN: the peer does not read). */
int message_send(int sock, enum message_kind kind, const void *payload, size_t length, int fd);

/* Receives one record without waiting unless the socket is a blocking one.
 * Returns 1 for a record, 0 at end of file, or -1 with errno; EBADMSG for a
 * packet that is cut, too short, or carries more than one descriptor. */
int message_receive(int sock, struct message *m);

#endif
