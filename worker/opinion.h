/* SPDX-License-Identifier: ISC */
/*
 * What one STUN server has been asked and said in a round, and what is told of
 * several of them in plain words.
 */
#ifndef OPINION_H
#define OPINION_H

#include "probe.h"

/* v0.9's words; what was tried follows. */
#define NO_STUN_SERVER "No public STUN server is available. Please check your Internet connection."

struct opinion {
	struct server server;
	struct probe *probe; /* NULL: it failed */
	bool waiting;        /* for an answer */
	bool disputed;       /* what it said, it said before the dispute */
	struct probe_result result;
};

/* Do they tell anything of each other?  Only servers at different IP addresses do, which
 * were asked from the same address of this machine. */
bool opinion_is_comparable(const struct opinion *a, const struct opinion *b);

/* buf becomes what two of them, which contradict each other, are told to mean. */
void opinion_explain_symmetric(const struct opinion *a, const struct opinion *b, enum protocol protocol, char *buf,
    size_t size);
void opinion_explain_disagreement(const struct opinion *a, const struct opinion *b, char *buf, size_t size);
/* The same if none of these count (at least 1) has answered; begins with the one of
 * that number, and names as many as there is room for. */
void opinion_explain_failure(const struct opinion *opinions, unsigned int count, unsigned int begin, char *buf,
    size_t size);

#endif
