/* SPDX-License-Identifier: ISC */
/*
 * Rounds of questions to STUN servers, with this test in the probes' place: who is
 * believed when servers agree, disagree, lie, are silent or fail.
 * NEEDS: worker/round worker/opinion worker/net
 */
#include "loop.h"

#include "round.h"
#include "uplink.h"

#define PROBES_MAX 64

struct probe {
	struct server server;
	probe_done *done;
	void *context;
};

static struct worker worker;
static struct servers servers;
static struct addr local; /* what is preferred */
static struct round *round_now;
static struct probe *probes[PROBES_MAX]; /* in the order of asking; NULL: freed */
static unsigned int asked;
static int done_count;
static unsigned int blamed, praised; /* servers told of */
static enum round_outcome outcome;
static struct probe_result seen;

struct probe *
probe_start(struct worker *w, const struct server *server, probe_done *done, void *context)
{
	struct probe *p = calloc(1, sizeof(*p));

	MUST(p != NULL && w == &worker && asked < PROBES_MAX);
	p->server = *server;
	p->done = done;
	p->context = context;
	probes[asked++] = p;
	return p;
}

void
probe_free(struct probe *p)
{
	unsigned int i;

	for (i = 0; i < asked; i++)
		if (probes[i] == p)
			probes[i] = NULL;
	free(p);
}

void
uplink_tell_server(struct uplink *u, const struct addr *server, bool good)
{
	(void)u;
	(void)server;
	if (good)
		praised++;
	else
		blamed++;
}

static void
on_done(void *context, enum round_outcome o, const struct probe_result *result, struct probe *winner)
{
	CHECK(context == &worker);
	CHECK((winner != NULL) == (o == ROUND_OK || o == ROUND_LONE));
	done_count++;
	outcome = o;
	seen = *result;
	probe_free(winner);
}

static unsigned int
count_left(void)
{
	unsigned int i, n = 0;

	for (i = 0; i < asked; i++)
		n += probes[i] != NULL;
	return n;
}

/* Begins with server number first of those at these addresses. */
static void
begin(unsigned int first, const char *const *addresses)
{
	unsigned int i;

	memset(&servers, 0, sizeof(servers));
	for (i = 0; addresses[i] != NULL; i++) {
		servers.stun[i].addr = address(addresses[i]);
		snprintf(servers.stun[i].name, sizeof(servers.stun[i].name), "%s", addresses[i]);
	}
	servers.stun_count = i;
	asked = 0;
	done_count = 0;
	round_now = round_start(&worker, &servers, first, &local, on_done, &worker);
	WAIT_FOR(asked >= (i < 3 ? i : 3)); /* over UDP one goes ahead */
}

static void
end(void)
{
	round_free(round_now);
	CHECK(count_left() == 0);
}

/* from is the address of this machine that the question left from. */
static void
answer_from(unsigned int i, const char *mapped, const char *from)
{
	struct probe_result result = {.ok = true, .mapped = address(mapped), .local = address(from)};

	MUST(i < asked && probes[i] != NULL);
	probes[i]->done(probes[i]->context, probes[i], &result);
}

static void
answer(unsigned int i, const char *mapped)
{
	answer_from(i, mapped, "192.168.77.2:1");
}

static void
refuse(unsigned int i, const char *reason)
{
	struct probe_result result = {.ok = false};

	MUST(i < asked && probes[i] != NULL);
	snprintf(result.reason, sizeof(result.reason), "%s", reason);
	probes[i]->done(probes[i]->context, probes[i], &result);
}

static void
check_outcome(enum round_outcome wanted, const char *mapped)
{
	char text[ADDR_TEXT_SIZE];

	CHECK(done_count == 1 && outcome == wanted);
	CHECK_TEXT(addr_text(&seen.mapped, text), mapped);
	end();
}

/* Two say so. */
static void
check_ok(const char *mapped)
{
	check_outcome(ROUND_OK, mapped);
}

/* One alone does. */
static void
check_lone(const char *mapped)
{
	check_outcome(ROUND_LONE, mapped);
}

#define SERVERS(...) ((const char *const[]){__VA_ARGS__, NULL})
#define TWO SERVERS("192.0.2.1:3478", "192.0.2.2:3478")
#define THREE SERVERS("192.0.2.1:3478", "192.0.2.2:3478", "192.0.2.3:3478")

/* Two that agree settle it at once; two ports of one address are one witness. */
static void
test_agreement(void)
{
	begin(0, THREE);
	CHECK(asked == 3);
	answer(1, "203.0.113.7:1");
	CHECK(done_count == 0);
	answer(0, "203.0.113.7:1");
	check_ok("203.0.113.7:1");
	begin(0, SERVERS("192.0.2.1:3478", "192.0.2.1:3479", "192.0.2.2:3478"));
	answer(0, "203.0.113.7:1");
	answer(1, "203.0.113.7:1");
	CHECK(done_count == 0);
	answer(2, "203.0.113.7:1");
	check_ok("203.0.113.7:1");
}

/* One server alone is believed: at once if nobody else is there, else after a moment that is
 * long enough for a lost SYN, which goes out again after 1 s. */
static void
test_single(void)
{
	double begun;

	begin(0, SERVERS("192.0.2.1:3478"));
	answer(0, "203.0.113.7:1");
	check_lone("203.0.113.7:1");
	begin(0, THREE);
	refuse(0, "no");
	refuse(2, "no");
	answer(1, "203.0.113.7:1");
	check_lone("203.0.113.7:1");
	begun = net_now();
	begin(0, THREE);
	answer(1, "203.0.113.7:1");
	WAIT_FOR(done_count == 1);
	CHECK(net_now() - begun > 1.4 && net_now() - begun < 2.5 && asked == 3);
	check_lone("203.0.113.7:1");
	begin(0, SERVERS("192.0.2.1:3478", "192.0.2.1:3479"));
	answer(0, "203.0.113.7:1");
	answer(1, "203.0.113.7:2"); /* no verdict about the NAT from one address */
	CHECK(done_count == 1 && outcome == ROUND_LONE);
	end();
}

/* While there is only one opinion, those are asked that may confirm it, as many as the list has:
 * else it would be believed alone because the first others are dead. */
static void
test_second_opinion(void)
{
	begin(0, SERVERS("192.0.2.1:1", "192.0.2.2:1", "192.0.2.3:1", "192.0.2.4:1", "192.0.2.5:1"));
	answer(0, "203.0.113.7:1");
	CHECK(asked == 3 && round_asked_in_vain(round_now) == 0);
	WAIT_FOR(asked == 5 || done_count > 0);
	answer(4, "203.0.113.7:1");
	check_ok("203.0.113.7:1");
	begin(0, SERVERS("192.0.2.1:1", "192.0.2.2:1", "192.0.2.3:1", "192.0.2.4:1"));
	answer(0, "203.0.113.7:1");
	WAIT_FOR(asked == 4 || done_count > 0);
	answer(3, "203.0.113.7:2");
	CHECK(done_count == 0 && asked == 6); /* a dispute: both are asked again */
	end();
	/* Ports of one address are no second opinion. */
	begin(0, SERVERS("192.0.2.1:1", "192.0.2.1:2", "192.0.2.1:3", "192.0.2.2:1"));
	answer(0, "203.0.113.7:1");
	answer(1, "203.0.113.7:1");
	answer(2, "203.0.113.7:1");
	CHECK(done_count == 0 && asked == 4);
	end();
}

static void
test_liar(void)
{
	begin(0, THREE);
	answer(0, "198.51.100.1:1");
	answer(1, "203.0.113.7:1");
	CHECK(done_count == 0 && asked == 5); /* both are asked again */
	answer(2, "203.0.113.7:1");
	CHECK(done_count == 0); /* what was said before the dispute does not count any more */
	answer(3, "198.51.100.1:1");
	CHECK(done_count == 0);
	answer(4, "203.0.113.7:1");
	check_ok("203.0.113.7:1");
}

/* A NAT that changed between two answers is not symmetric. */
static void
test_change(void)
{
	begin(0, TWO);
	answer(0, "203.0.113.7:1");
	answer(1, "203.0.113.7:2");
	answer(2, "203.0.113.7:2");
	CHECK(done_count == 0);
	answer(3, "203.0.113.7:2");
	check_ok("203.0.113.7:2");
}

static void
test_symmetric(void)
{
	double begun;

	worker.mapping.protocol = PROTOCOL_TCP;
	begin(0, TWO);
	answer(0, "203.0.113.7:1");
	answer(1, "203.0.113.7:2");
	answer(2, "203.0.113.7:3");
	CHECK(done_count == 0);
	answer(3, "203.0.113.7:4");
	CHECK(done_count == 1 && outcome == ROUND_SYMMETRIC);
	CHECK_TEXT(seen.error, "You cannot perform TCP hole punching in a symmetric NAT network. "
			       "192.0.2.1:3478 sees 203.0.113.7:3, 192.0.2.2:3478 sees 203.0.113.7:4.");
	end();
	/* A server that says nothing delays the verdict, but not for long. */
	worker.mapping.protocol = PROTOCOL_UDP;
	begin(0, THREE);
	answer(0, "203.0.113.7:1");
	answer(1, "203.0.113.7:2");
	answer(3, "203.0.113.7:1");
	answer(4, "203.0.113.7:2");
	CHECK(done_count == 0);
	begun = net_now();
	WAIT_FOR(done_count == 1);
	CHECK(outcome == ROUND_SYMMETRIC && net_now() - begun > 1.5 && net_now() - begun < 3);
	CHECK(strstr(seen.error, "You cannot perform UDP hole punching") == seen.error);
	end();
}

/* Those that failed for somebody come last, whatever the turn. */
static void
test_resting_servers(void)
{
	char text[ADDR_TEXT_SIZE];

	begin(0, SERVERS("192.0.2.1:1", "192.0.2.2:1", "192.0.2.3:1", "192.0.2.4:1"));
	end();
	servers.stun[1].rest_until = (int64_t)net_now() + 30;
	servers.stun[3].rest_until = 1; /* that is over */
	asked = 0;
	done_count = 0;
	round_now = round_start(&worker, &servers, 1, &local, on_done, &worker);
	WAIT_FOR(asked == 3);
	CHECK_TEXT(addr_text(&probes[0]->server.addr, text), "192.0.2.3:1");
	CHECK_TEXT(addr_text(&probes[1]->server.addr, text), "192.0.2.4:1");
	CHECK_TEXT(addr_text(&probes[2]->server.addr, text), "192.0.2.1:1");
	refuse(0, "no");
	CHECK_TEXT(addr_text(&probes[3]->server.addr, text), "192.0.2.2:1");
	blamed = praised = 0;
	answer(1, "203.0.113.7:1");
	answer(2, "203.0.113.7:1");
	CHECK(blamed == 1 && praised == 1); /* the first failed, the second is good again */
	check_ok("203.0.113.7:1");
}

/* All are heard before two that agree settle it, but who says nothing is not waited for long. */
static void
test_asking_all(void)
{
	struct addr other = address("203.0.113.8:1");
	bool silent;

	for (silent = false;; silent = true) {
		begin(0, SERVERS("192.0.2.1:1", "192.0.2.2:1", "192.0.2.3:1", "192.0.2.4:1", "192.0.2.5:1"));
		round_ask_all(round_now);
		CHECK(asked == 5);
		answer(0, "203.0.113.7:1");
		answer(1, "203.0.113.7:1");
		answer(2, "203.0.113.8:1");
		refuse(3, "no");
		CHECK(done_count == 0 && asked == 5);
		if (silent)
			break;
		answer(4, "203.0.113.9:1");
		CHECK(round_saw(round_now, &other));
		check_ok("203.0.113.7:1");
	}
	WAIT_FOR(done_count == 1);
	check_ok("203.0.113.7:1");
	begin(0, THREE);
	round_ask_all(round_now);
	answer(0, "203.0.113.7:1");
	answer(1, "203.0.113.8:1");
	answer(2, "203.0.113.9:1");
	CHECK(outcome == ROUND_SYMMETRIC && asked == 3);
	check_outcome(ROUND_SYMMETRIC, "");
}

/* Over UDP two first datagrams at the same moment could get two outside ports from a NAT. */
static void
test_lead(void)
{
	double begun = net_now();

	worker.mapping.protocol = PROTOCOL_UDP;
	begin(0, THREE);
	CHECK(asked == 3 && net_now() - begun >= 0.015);
	answer(0, "203.0.113.7:1");
	answer(1, "203.0.113.7:1");
	check_ok("203.0.113.7:1");
}

/* Who lies is told of, who has only been overtaken by a change of the NAT is not. */
static void
test_blame(void)
{
	blamed = praised = 0;
	test_liar();
	CHECK(blamed == 1 && praised == 0);
	test_change();
	CHECK(blamed == 1);
	begin(0, THREE);
	refuse(0, "no");
	refuse(1, "no");
	refuse(2, "no");
	CHECK(outcome == ROUND_FAILED && blamed == 1); /* that is the network's fault, not theirs */
	end();
}

static void
begin_dispute(void)
{
	begin(0, TWO);
	answer(0, "203.0.113.7:1");
	answer(1, "203.0.113.7:2");
	CHECK(done_count == 0 && asked == 4);
}

static void
check_unclear(void)
{
	CHECK(done_count == 1 && outcome == ROUND_UNCLEAR);
	CHECK_TEXT(seen.error, "STUN servers disagree, and asked again they did not settle it: natter cannot tell the outer "
			       "address. 192.0.2.1:3478 sees 203.0.113.7:1, 192.0.2.2:3478 sees 203.0.113.7:2.");
	end();
}

/* Who was contradicted is not believed because the other has fallen silent. */
static void
test_unclear(void)
{
	begin_dispute();
	refuse(3, "Connection refused");
	CHECK(done_count == 0);
	answer(2, "203.0.113.7:1");
	check_unclear();
	begin_dispute();
	refuse(3, "Connection refused");
	refuse(2, "Connection refused");
	check_unclear();
	/* Nor is it said that nobody answers. */
	begin_dispute();
	WAIT_FOR(done_count == 1);
	check_unclear();
}

/* Two ways out of this machine, each with an address of its own, are no symmetric NAT. */
static void
test_two_ways_out(void)
{
	begin(0, TWO);
	answer_from(0, "203.0.113.7:1", "192.168.77.2:1");
	CHECK(done_count == 0);
	answer_from(1, "203.0.113.8:1", "192.168.78.2:1");
	check_lone("203.0.113.7:1");
	local = address("192.168.78.2:9");
	begin(0, TWO);
	answer_from(0, "203.0.113.7:1", "192.168.77.2:1");
	answer_from(1, "203.0.113.8:1", "192.168.78.2:1");
	check_lone("203.0.113.8:1");
	/* Even two that agree wait for one that saw the right way ... */
	begin(0, THREE);
	answer_from(0, "203.0.113.7:1", "192.168.77.2:1");
	answer_from(1, "203.0.113.7:1", "192.168.77.2:1");
	CHECK(done_count == 0);
	answer_from(2, "203.0.113.8:1", "192.168.78.2:1");
	check_lone("203.0.113.8:1");
	/* ... and are believed without it. */
	begin(0, TWO);
	answer_from(0, "203.0.113.7:1", "192.168.77.2:1");
	answer_from(1, "203.0.113.7:1", "192.168.77.2:1");
	check_ok("203.0.113.7:1");
	begin(0, TWO);
	answer_from(0, "203.0.113.7:1", "192.168.77.2:1");
	answer_from(1, "203.0.113.7:2", "192.168.77.2:1");
	CHECK(done_count == 0 && asked == 4);
	answer_from(2, "203.0.113.7:1", "192.168.77.2:1");
	answer_from(3, "203.0.113.7:2", "192.168.77.2:1");
	CHECK(done_count == 1 && outcome == ROUND_SYMMETRIC);
	end();
	memset(&local, 0, sizeof(local));
}

/* A list that changes meanwhile is for the next round: none is asked twice. */
static void
test_new_list(void)
{
	char text[ADDR_TEXT_SIZE];

	begin(0, SERVERS("192.0.2.1:1", "192.0.2.2:1", "192.0.2.3:1", "192.0.2.4:1"));
	servers.stun[3] = servers.stun[0];
	refuse(0, "no");
	CHECK(asked == 4 && round_asked_in_vain(round_now) == 4);
	CHECK_TEXT(addr_text(&probes[3]->server.addr, text), "192.0.2.4:1");
	end();
}

/* In a dispute, more servers are asked. */
static void
test_further_servers(void)
{
	begin(0, SERVERS("192.0.2.1:1", "192.0.2.2:1", "192.0.2.3:1", "192.0.2.4:1", "192.0.2.5:1"));
	answer(0, "198.51.100.1:1");
	answer(1, "203.0.113.7:1");
	CHECK(asked == 3 + 2 + 2);
	answer(3, "198.51.100.1:1");
	answer(6, "203.0.113.7:1");
	CHECK(done_count == 0);
	answer(5, "203.0.113.7:1");
	check_ok("203.0.113.7:1");
}

static void
test_failure(void)
{
	struct probe_result own = {.ok = false, .not_asked = true, .error = "This system does not support reusing ports."};

	begin(1, THREE);
	refuse(0, "Connection refused");
	refuse(1, "no answer");
	CHECK(done_count == 0);
	refuse(2, "no answer");
	CHECK(done_count == 1 && outcome == ROUND_FAILED);
	CHECK_TEXT(seen.error, "No public STUN server is available. Please check your Internet connection. Tried 3: "
			       "192.0.2.1:3478 no answer, 192.0.2.2:3478 connection refused, 192.0.2.3:3478 no answer");
	end();
	begin(0, SERVERS("192.0.2.1:3478"));
	probes[0]->done(probes[0]->context, probes[0], &own);
	CHECK(done_count == 1 && outcome == ROUND_FAILED);
	CHECK_TEXT(seen.error, "This system does not support reusing ports.");
	end();
}

/* As many as there is room for, and none in part. */
static void
test_long_failure(void)
{
	unsigned int i;

	memset(&servers, 0, sizeof(servers));
	for (i = 0; i < 10; i++) {
		servers.stun[i].addr = address("192.0.2.1:3478");
		snprintf(servers.stun[i].name, sizeof(servers.stun[i].name), "stun%u.example.org:3478", i);
	}
	servers.stun_count = i;
	asked = 0;
	done_count = 0;
	round_now = round_start(&worker, &servers, 0, &local, on_done, &worker);
	for (i = 0; i < 10; i++)
		refuse(i, "no answer");
	CHECK(done_count == 1 && strlen(seen.error) < sizeof(seen.error) - 1);
	CHECK(strstr(seen.error, "Tried 10: stun0.example.org:3478 (192.0.2.1) no answer, stun1.") != NULL);
	CHECK_TEXT(seen.error + strlen(seen.error) - 14, "no answer, ...");
	end();
}

int
main(void)
{
	loop_start();
	worker.base = t.base;
	test_agreement();
	test_single();
	test_second_opinion();
	test_liar();
	test_change();
	test_symmetric();
	test_resting_servers();
	test_asking_all();
	test_lead();
	test_blame();
	test_unclear();
	test_two_ways_out();
	test_new_list();
	test_further_servers();
	test_failure();
	test_long_failure();
	loop_end();
	return check_done();
}
