/* SPDX-License-Identifier: ISC */
/*
 * What STUN servers said, in plain words; see opinion.h.
 */
#include "opinion.h"

#include <bsd/string.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define SERVER_TEXT_SIZE (64 + ADDR_TEXT_SIZE)
/* What a list that is too long ends with. */
#define MORE ", ..."

bool
opinion_is_comparable(const struct opinion *a, const struct opinion *b)
{
	return !addr_same_ip(&a->server.addr, &b->server.addr) && addr_same_ip(&a->result.local, &b->result.local);
}

/* "NAME:3478 (1.2.3.4)", or "1.2.3.4:3478" for one that has no other name. */
static void
describe_server(const struct server *server, char *buf, size_t size)
{
	char ip[ADDR_TEXT_SIZE], where[ADDR_TEXT_SIZE];

	addr_text(&server->addr, where);
	if (strcmp(server->name, where) == 0)
		snprintf(buf, size, "%s", where);
	else
		snprintf(buf, size, "%.60s (%s)", server->name, addr_ip_text(&server->addr, ip));
}

/* What follows begins a new sentence, so that another try that saw others is the same
 * complaint. */
static void
explain_pair(const struct opinion *a, const struct opinion *b, const char *meaning, char *buf, size_t size)
{
	char who[2][SERVER_TEXT_SIZE], what[2][ADDR_TEXT_SIZE];

	describe_server(&a->server, who[0], sizeof(who[0]));
	describe_server(&b->server, who[1], sizeof(who[1]));
	snprintf(buf, size, "%s %.70s sees %s, %.70s sees %s.", meaning, who[0], addr_text(&a->result.mapped, what[0]),
	    who[1], addr_text(&b->result.mapped, what[1]));
}

void
opinion_explain_symmetric(const struct opinion *a, const struct opinion *b, enum protocol protocol, char *buf,
    size_t size)
{
	explain_pair(a, b,
	    protocol == PROTOCOL_TCP ? "You cannot perform TCP hole punching in a symmetric NAT network."
				     : "You cannot perform UDP hole punching in a symmetric NAT network.",
	    buf, size);
}

void
opinion_explain_disagreement(const struct opinion *a, const struct opinion *b, char *buf, size_t size)
{
	explain_pair(a, b, "STUN servers disagree, and asked again they did not settle it: natter cannot tell the outer address.",
	    buf, size);
}

/* Appends what became of one server.  Returns false if that does not fit, with room
 * for the mark that says so. */
static bool
append_failure(char *text, size_t size, const struct opinion *o, const char *separator)
{
	const char *reason = o->waiting ? "no answer" : o->result.reason;
	char who[SERVER_TEXT_SIZE];
	size_t length = strlen(text);

	describe_server(&o->server, who, sizeof(who));
	if (length + strlen(separator) + strlen(who) + 1 + strlen(reason) + strlen(separator) + strlen(MORE) >= size)
		return false;
	snprintf(text + length, size - length, "%s%s %c%s", separator, who, tolower((unsigned char)reason[0]), reason + 1);
	return true;
}

void
opinion_explain_failure(const struct opinion *opinions, unsigned int count, unsigned int begin, char *buf, size_t size)
{
	const char *separator = "";
	unsigned int i;

	snprintf(buf, size,
	    NO_STUN_SERVER " Tried %u: ", count);
	for (i = 0; i < count; i++) {
		if (!append_failure(buf, size, &opinions[(begin + i) % count], separator)) {
			strlcat(buf, MORE, size);
			break;
		}
		separator = ", ";
	}
}
