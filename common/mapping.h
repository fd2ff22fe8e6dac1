/* SPDX-License-Identifier: ISC */
/*
 * What goes down to a worker: the mapping it is to hold open and the servers
 * that help it.  Fixed size, no pointers, zero-filled before use, so that both
 * are compared with memcmp and sent as they are.
 */
#ifndef MAPPING_H
#define MAPPING_H

#include <stdbool.h>
#include <stdint.h>

#include "addr.h"
#include "network.h"

#define MAPPING_NAME_SIZE 64

/* The bounds and defaults of what natter.cfg can set, in seconds. */
#define KEEP_ALIVE_INTERVAL_MIN 1
#define KEEP_ALIVE_INTERVAL_MAX 3600
/* Where one that is learned begins. */
#define KEEP_ALIVE_INTERVAL_DEFAULT 10
/* Unless natter.cfg says otherwise it stays within these.  The NATs that forget soonest
 * do so after some 20 s; one of them that is tried out costs a hole. */
#define KEEP_ALIVE_SHORTEST_DEFAULT 2
#define KEEP_ALIVE_LONGEST_DEFAULT 15
/* Between two questions about the outer address of a TCP mapping. */
#define STUN_INTERVAL_MIN 10
#define STUN_INTERVAL_MAX 86400
#define STUN_INTERVAL_DEFAULT 300
#define UDP_TIMEOUT_MIN 1
#define UDP_TIMEOUT_MAX 86400
/* Shorter than the 120 s (RFC 4787, REQ-5) that a NAT holds a binding. */
#define UDP_TIMEOUT_DEFAULT 90
/* Of a TCP connection; 0: no end, as is usual: ssh sessions are silent for hours. */
#define TCP_TIMEOUT_MAX 604800
/* The kernel's bound of TCP_KEEPIDLE (tcp(7)). */
#define TCP_KEEPALIVE_MAX 32767
#define TCP_KEEPALIVE_OFF UINT32_MAX
/* Until a target must have taken a client's connection: a lost SYN is sent again after 1, 3 and 7 s. */
#define CONNECT_TIMEOUT_MIN 1
#define CONNECT_TIMEOUT_MAX 120
#define CONNECT_TIMEOUT_DEFAULT 10
/* How many connections or sessions there may be.  A connection has two descriptors, a session one; by default
 * they fit into the 65536 that a worker has at least, if the system allows (descriptors.h). */
#define CONNECTIONS_MOST 500000
#define CONNECTIONS_DEFAULT 30000
#define UDP_SESSIONS_MOST 100000
#define UDP_SESSIONS_DEFAULT 10000
/* TCP_CA_NAME_MAX, which no header for programs has. */
#define CONGESTION_CONTROL_SIZE 16

enum protocol {
	PROTOCOL_TCP,
	PROTOCOL_UDP,
};

/* "tcp", "udp"; p must be one of the two. */
static inline const char *
protocol_name(enum protocol p)
{
	return p == PROTOCOL_TCP ? "tcp" : "udp";
}

/* What a worker is for. */
enum task {
	TASK_HOLD,  /* hold the mapping open and report what is known of it */
	TASK_CHECK, /* find out what NAT is in the way, report that once and end */
};

struct mapping {
	char name[MAPPING_NAME_SIZE];
	uint32_t protocol;            /* enum protocol */
	uint32_t task;                /* enum task */
	uint32_t test_page;           /* 1: the worker itself answers what arrives, to show that it does */
	uint32_t keep_alive_shortest; /* seconds: bounds of the interval that is learned; ... */
	uint32_t keep_alive_longest;  /* ... the same twice: it is fixed */
	uint32_t stun_interval;       /* seconds; TCP: how often the outer address is looked at, come what may */
	uint32_t udp_timeout;         /* seconds without a datagram that end a UDP session */
	uint32_t tcp_timeout;         /* seconds in which nothing moves that end a relayed connection; 0: none do */
	uint32_t tcp_keepalive;       /* seconds of silence until the peers of one are probed; 0: the system's */
	char congestion_control[CONGESTION_CONTROL_SIZE]; /* towards clients; "": the system's */
	uint32_t connect_timeout;     /* seconds that the target has to take a connection */
	uint32_t max_connections;     /* TCP, at a time */
	uint32_t max_udp_sessions;
	uint32_t max_per_client;      /* of either from one IPv4 address or one /64 of IPv6; 0: as many as there may be */
	struct networks allow;        /* who gets to the target; none: everybody, ... */
	struct networks deny;         /* ... but nobody who is in one of these */
	uint32_t uid;                 /* what the worker becomes, if it starts as root */
	uint32_t gid;
	uint32_t log_level;           /* enum log_level: less important lines are not sent up */
	struct addr bind;             /* the port is never 0 when it goes down */
	struct addr target;           /* unset: relay nothing */
};

/* Does the worker take what arrives on the mapped port?  If not, another program has
 * the port, and it is only punched. */
static inline bool
mapping_is_served(const struct mapping *m)
{
	return m->task == TASK_CHECK || m->test_page != 0 || addr_is_set(&m->target);
}

/* Names a mapping that the user gave no name: "<protocol>-<ip>-<port>" of the
 * address that stands in the configuration, the target if there is one. */
void mapping_derive_name(struct mapping *m);

/* Are both the same port of this machine, or still to be chosen at the same address?  Then one
 * can go on in the hole of the other. */
bool mapping_same_place(const struct mapping *a, const struct mapping *b);

/* Would both need the same port of this machine?  Ports that are still to be
 * chosen never do. */
bool mapping_binds_collide(const struct mapping *a, const struct mapping *b);

#define SERVERS_MAX 24

struct server {
	char name[ADDR_HOST_SIZE]; /* as configured, for logs and HTTP's Host field */
	struct addr addr;
	/* It failed lately, here or for another mapping, and is left alone until then if there
	 * are others: seconds on the monotonic clock, which all processes share; 0: it is good. */
	int64_t rest_until;
};

/* Is it in the list, by its name or its address?  Public servers' names lead to other addresses
 * now and then. */
bool server_is_listed(const struct server *server, const struct server *list, uint32_t count);

/* Resolved addresses of the mapping's own address family, best first. */
struct servers {
	uint32_t stun_count;
	uint32_t keep_alive_count;
	uint32_t stun_unresolved; /* how many STUN servers there are, if none of their names can be resolved; else 0 */
	struct server stun[SERVERS_MAX];
	struct server keep_alive[SERVERS_MAX];
};

#endif
