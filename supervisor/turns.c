/* SPDX-License-Identifier: ISC */
/*
 * When a new mapping's worker may begin; see turns.h.
 */
#include "turns.h"

unsigned int
turns_take(struct turns *t, int64_t now)
{
	int64_t earliest = now - (int64_t)(TURNS_AT_ONCE - 1) * TURNS_EVERY_MS, turn;

	turn = t->next > earliest ? t->next : earliest;
	t->next = turn + TURNS_EVERY_MS;
	return turn > now ? (unsigned int)(turn - now) : 0;
}
