/* SPDX-License-Identifier: ISC */
/*
 * Things that end after a fixed time: in order, not before it, and not if they
 * are used or taken out.
 * NEEDS: worker/expiry worker/net
 */
#include "loop.h"

#include "expiry.h"

#define COUNT 4

struct thing {
	struct expiry_item item;
	double began;
	double ended; /* 0: not yet */
};

static struct expiry *expiry;
static struct thing things[COUNT];
static struct thing *order[COUNT + 2];
static int ended;

static void
on_expired(void *context, struct expiry_item *item)
{
	struct thing *thing = (struct thing *)((char *)item - offsetof(struct thing, item));

	CHECK(context == things);
	thing->ended = net_now();
	order[ended++] = thing;
	expiry_remove(expiry, item);
	/* who ends may take others along */
	if (thing == &things[2])
		expiry_remove(expiry, &things[3].item);
}

static void
begin(struct thing *thing)
{
	thing->began = net_now();
	expiry_add(expiry, &thing->item, thing->began);
}

int
main(void)
{
	int i;

	loop_start();
	MUST((expiry = expiry_new(t.base, 0.2, on_expired, things)) != NULL);
	CHECK(expiry_first(expiry) == NULL);
	for (i = 0; i < COUNT; i++)
		begin(&things[i]);
	CHECK(expiry_first(expiry) == &things[0].item);
	while (net_now() < things[0].began + 0.1)
		turn();
	expiry_touch(expiry, &things[0].item, net_now());
	CHECK(expiry_first(expiry) == &things[1].item);
	WAIT_FOR(ended == 3);
	CHECK(order[0] == &things[1] && order[1] == &things[2] && order[2] == &things[0]);
	CHECK(things[1].ended - things[1].began >= 0.2 && things[0].ended - things[0].began >= 0.3);
	CHECK(things[3].ended == 0 && expiry_first(expiry) == NULL);

	begin(&things[3]); /* the timer had nothing left to wait for */
	WAIT_FOR(ended == 4);

	/* Another time applies to what is in it, also where the timer was meant for later. */
	begin(&things[0]);
	expiry_change(expiry, 100, net_now());
	begin(&things[1]);
	expiry_change(expiry, 0.1, net_now());
	WAIT_FOR(ended == 6);
	CHECK(order[4] == &things[0] && order[5] == &things[1]);
	CHECK(things[0].ended - things[0].began >= 0.1);
	expiry_free(expiry);
	loop_end();
	return check_done();
}
