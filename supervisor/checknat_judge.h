/* SPDX-License-Identifier: ISC */
/*
 * From what a NAT check observed to the NAT's types and to whether this program can
 * work behind it: rules, no words.
 */
#ifndef CHECKNAT_JUDGE_H
#define CHECKNAT_JUDGE_H

#include "checknat.h"

enum checknat_type {
	TYPE_UNKNOWN,
	TYPE_OPEN,
	TYPE_FIREWALL,
	TYPE_FULL_CONE,
	TYPE_RESTRICTED,
	TYPE_PORT_RESTRICTED,
	TYPE_SYMMETRIC,
	TYPE_BLOCKED,
	TYPE_CONE, /* TCP: what is let in cannot be asked from a server */
	TYPE_COUNT
};

struct checknat_judgement {
	enum checknat_type udp_type;
	enum checknat_type tcp_type;
	enum nat_answer udp_works;
	enum nat_answer tcp_works;
	enum nat_answer works; /* both of them */
	bool no_answers;       /* no server gave an address, over UDP or over TCP, and ... */
	bool no_network;       /* ... there is no route to any */
	bool no_names;         /* ... none has an address */
	bool no_version;       /* ... none has one of the IP version that was checked */
	bool failed;           /* a worker could not do its work */
	bool proxy;            /* something answers in place of the servers */
};

/* In v0.9's words; protocol, because v0.9 numbered the types of UDP NATs alone. */
const char *checknat_type_name(enum checknat_type type, enum protocol protocol);

struct checknat_judgement checknat_judge(const struct checknat_result *result);

#endif
