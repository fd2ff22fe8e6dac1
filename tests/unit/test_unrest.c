/* SPDX-License-Identifier: ISC */
/*
 * bucket.c, unrest.c and netwatch.c: which messages of the kernel are news, and
 * how many looks become of them.
 * NEEDS: supervisor/bucket supervisor/unrest supervisor/netwatch
 */
#include "unrest.h"

#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include "bucket.h"
#include "netwatch.h"
#include "supervisor.h"

static void
test_bucket(void)
{
	struct bucket b;
	int i;

	bucket_init(&b, 3, 1000);
	for (i = 0; i < 3; i++)
		CHECK(bucket_take(&b, 50000) == 0);
	CHECK(bucket_take(&b, 50000) == 1000);
	CHECK(bucket_take(&b, 50400) == 600); /* a refusal puts nothing off */
	CHECK(bucket_take(&b, 51000) == 0);
	CHECK(bucket_take(&b, 51001) == 999);
	CHECK(bucket_take(&b, 52500) == 0);
	CHECK(bucket_take(&b, 52500) == 500); /* the half of the next one is kept */
	for (i = 0; i < 3; i++)
		CHECK(bucket_take(&b, 500000) == 0);
	CHECK(bucket_take(&b, 500000) == 1000); /* it never holds more than three */
}

/* A machine that has been up for a moment has a full bucket, too. */
static void
test_bucket_early(void)
{
	struct bucket b;

	bucket_init(&b, 2, 5000);
	CHECK(bucket_take(&b, 10) == 0);
	CHECK(bucket_take(&b, 20) == 0);
	CHECK(bucket_take(&b, 30) == 4980);
}

static int looks;
static enum unrest last;

static void
on_look(enum unrest what)
{
	looks++;
	last = what;
}

static void
test_a_burst_is_one_look(void)
{
	double start = seconds();
	int i;

	unrest_open(base, on_look);
	for (i = 0; i < 50; i++)
		unrest_note(UNREST_NETWORK);
	CHECK(looks == 0);
	RUN_UNTIL(looks == 1);
	CHECK(seconds() - start >= 0.09 && last == UNREST_NETWORK);
	unrest_note(UNREST_NETWORK);
	unrest_note(UNREST_CLOCK);
	unrest_note(UNREST_NETWORK);
	RUN_UNTIL(looks == 2);
	CHECK(last == UNREST_CLOCK);
}

/* The sixth comes at once, the seventh is owed until the bucket has one more. */
static void
test_changes_without_end(void)
{
	double start;

	while (looks < 6) {
		int before = looks;

		start = seconds();
		unrest_note(UNREST_NETWORK);
		RUN_UNTIL(looks > before);
		CHECK(seconds() - start < 1);
		CHECK(last == UNREST_NETWORK);
	}
	start = seconds();
	unrest_note(UNREST_CLOCK);
	RUN_UNTIL(seconds() - start > 1);
	CHECK(looks == 6);
	unrest_note(UNREST_NETWORK);
	RUN_UNTIL(looks == 7);
	CHECK(last == UNREST_CLOCK);
	unrest_close();
	unrest_close();
}

/* RTM_NEWADDR with the times of an address, in hundredths of a second. */
struct news {
	struct nlmsghdr header;
	struct ifaddrmsg address;
	struct rtattr head;
	struct ifa_cacheinfo age;
};

static struct news
news(uint16_t type, uint32_t made, uint32_t updated)
{
	struct news n = {
	    .header = {.nlmsg_len = sizeof(n), .nlmsg_type = type},
	    .address = {.ifa_family = AF_INET6},
	    .head = {.rta_len = sizeof(n.head) + sizeof(n.age), .rta_type = IFA_CACHEINFO},
	    .age = {.cstamp = made, .tstamp = updated},
	};

	return n;
}

static bool
is_news(struct news n)
{
	return netwatch_is_news(&n, sizeof(n));
}

static void
test_news(void)
{
	struct news pair[2] = {news(RTM_NEWADDR, 500, 90000), news(RTM_NEWADDR, 500, 90000)};
	struct news n;

	CHECK(!is_news(news(RTM_NEWADDR, 500, 90000)));
	CHECK(is_news(news(RTM_NEWADDR, 500, 500)));
	CHECK(is_news(news(RTM_NEWADDR, 500, 501))); /* as the kernel makes one that a router announces */
	CHECK(is_news(news(RTM_DELADDR, 500, 90000)));
	CHECK(is_news(news(RTM_NEWROUTE, 500, 90000)));
	CHECK(is_news(news(RTM_NEWLINK, 500, 90000)));
	CHECK(!is_news(news(RTM_NEWADDR, UINT32_MAX - 10, 90000))); /* the times begin anew */
	n = news(RTM_NEWADDR, 500, 90000);
	n.address.ifa_flags = IFA_F_DEPRECATED;
	CHECK(is_news(n));
	n = news(RTM_NEWADDR, 500, 90000);
	n.head.rta_type = IFA_ADDRESS; /* it tells no age */
	CHECK(is_news(n));
	CHECK(!netwatch_is_news(pair, sizeof(pair)));
	CHECK(netwatch_is_news(pair, sizeof(pair) - 4)); /* cut off */
	pair[1].header.nlmsg_type = RTM_DELADDR;
	CHECK(netwatch_is_news(pair, sizeof(pair)));
}

int
main(void)
{
	loop_open();
	test_bucket();
	test_bucket_early();
	test_a_burst_is_one_look();
	test_changes_without_end();
	test_news();
	return check_done();
}
