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
 *     down  MAPPING   struct mapping         first, once
 *     down  SERVERS   struct servers         whenever it changes
 *     down  AGAIN     -                      look again now
 *     down  SOCKET    struct socket_answer   with one descriptor, or none and an errno
 *     up    SOCKET    struct socket_request  one more socket on my port, please
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
};

enum socket_use {
	SOCKET_CONNECT, /* to be connected to a server */
	SOCKET_FRESH,   /* not on the mapped port but on any free one of the same address */
	SOCKET_SERVE,   /* to take what arrives: listening, or unconnected for UDP */
};

struct socket_request {
	uint32_t use; /* enum socket_use */
};

struct socket_answer {
	uint32_t error; /* 0, or the errno that kept the socket from being made */
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
