/* SPDX-License-Identifier: ISC */
/*
 * Datagrams by session; see chains.h.
 */
#include "chains.h"

void
chains_append(struct chains *c, struct udp_session *s, int i)
{
	struct chain *chain;

	if (s->chain == 0) {
		c->all[c->count] = (struct chain){.session = s, .first = i};
		s->chain = (uint16_t)++c->count;
	} else {
		c->next[c->all[s->chain - 1].last] = i;
	}
	chain = &c->all[s->chain - 1];
	chain->last = i;
	c->next[i] = CHAINS_END;
}

void
chains_release(struct chains *c, struct udp_session *s)
{
	if (s->chain > 0)
		c->all[s->chain - 1].session = NULL;
	s->chain = 0;
}
