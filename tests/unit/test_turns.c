/* SPDX-License-Identifier: ISC */
/*
 * Who begins when (turns.h).
 *
 * NEEDS: supervisor/turns
 */
#include "turns.h"

#include "check.h"

static void
test_many_at_once(void)
{
	struct turns t = {0};
	unsigned int i;

	for (i = 0; i < TURNS_AT_ONCE; i++)
		CHECK(turns_take(&t, 5000) == 0);
	for (i = 1; i <= 200; i++)
		CHECK(turns_take(&t, 5000) == i * TURNS_EVERY_MS);
	/* Those that come later queue up behind them. */
	CHECK(turns_take(&t, 5000 + 200 * TURNS_EVERY_MS) == TURNS_EVERY_MS);
}

static void
test_now_and_then(void)
{
	struct turns t = {0};
	int64_t now = 1000000;
	unsigned int i;

	for (i = 0; i < 1000; i++, now += TURNS_EVERY_MS)
		CHECK(turns_take(&t, now) == 0);
	for (i = 0; i < TURNS_AT_ONCE - 1; i++)
		CHECK(turns_take(&t, now) == 0);
}

int
main(void)
{
	test_many_at_once();
	test_now_and_then();
	return check_done();
}
