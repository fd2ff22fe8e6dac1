/* SPDX-License-Identifier: ISC */
/*
 * servers.c, reputation.c and quota.c: what becomes of a worker's news of its servers, with a
 * stand-in for the resolver.
 * NEEDS: supervisor/servers supervisor/reputation supervisor/quota supervisor/bucket
 */
#include "servers.h"

#include "jitter.h"
#include "monotonic.h"
#include "reputation.h"
#include "resolve.h"
#include "supervisor.h"

static struct service web, game;
static int changes;

void
resolve_servers(const struct config_mapping *mapping, struct servers *out)
{
	(void)mapping;
	memset(out, 0, sizeof(*out));
	out->stun_count = out->keep_alive_count = 2;
	out->stun[0].addr = addr_of("192.0.2.1:3478");
	out->stun[1].addr = addr_of("192.0.2.1:3479");
	out->keep_alive[0].addr = addr_of("192.0.2.3:80");
	out->keep_alive[1].addr = addr_of("[2001:db8::3]:80");
	strlcpy(out->stun[0].name, "stun.example", sizeof(out->stun[0].name));
}

/* service.c's part. */
static void
on_changed(void)
{
	changes++;
	servers_list(&web, &web.servers);
	servers_list(&game, &game.servers);
	servers_forget_unused();
}

static const char *
send_news(struct service *s, const char *server, uint32_t good)
{
	struct message m = {.kind = MESSAGE_SERVER, .length = sizeof(m.server_news), .fd = -1};

	m.server_news.addr = addr_of(server);
	m.server_news.good = good;
	return servers_take_news(s, &m);
}

/* A moment later. */
static void
settle(int wanted)
{
	RUN_UNTIL(changes == wanted);
	memset(&web.news, 0, sizeof(web.news));
}

static void
begin(void)
{
	servers_close();
	servers_open(base, on_changed);
	on_changed();
	changes = 0;
	memset(&web.news, 0, sizeof(web.news));
	log_clear();
}

/* The rests double up to ten minutes, each with its chance; nothing adds to one that goes on. */
static void
test_rests(void)
{
	static const unsigned int rests[] = {30, 60, 120, 240, 480, 600, 600};
	struct addr server = addr_of("192.0.2.1:3478");
	int64_t now = 1000;
	size_t i;

	for (i = 0; i < sizeof(rests) / sizeof(rests[0]); i++) {
		unsigned int rest = reputation_fail(PROTOCOL_TCP, &server, now);

		CHECK(rest >= rests[i] && rest <= rests[i] * 6 / 5);
		CHECK(reputation_rest_until(PROTOCOL_TCP, &server) == now + rest);
		CHECK(reputation_fail(PROTOCOL_TCP, &server, now + rest - 1) == 0);
		CHECK(reputation_rest_until(PROTOCOL_TCP, &server) == now + rest);
		now += rest;
	}
	CHECK(reputation_rest_until(PROTOCOL_UDP, &server) == 0);
	reputation_clear(PROTOCOL_UDP, &server);
	CHECK(reputation_rest_until(PROTOCOL_TCP, &server) == now);
	reputation_clear(PROTOCOL_TCP, &server);
	CHECK(reputation_rest_until(PROTOCOL_TCP, &server) == 0);
	CHECK(reputation_fail(PROTOCOL_TCP, &server, now) <= 36);
	reputation_clear_all();
	CHECK(reputation_rest_until(PROTOCOL_TCP, &server) == 0);
}

static void
test_chance(void)
{
	struct addr server = addr_of("192.0.2.1:3478");
	bool seen[REPUTATION_REST_FIRST * 2] = {false};
	struct timeval t;
	int i, kinds = 0;

	for (i = 0; i < 1000; i++) {
		seen[reputation_fail(PROTOCOL_TCP, &server, 1000)] = true;
		reputation_clear(PROTOCOL_TCP, &server);
		t = jitter(3600);
		CHECK(t.tv_sec >= 3600 && t.tv_sec <= 4320 && t.tv_usec >= 0 && t.tv_usec < 1000000);
	}
	for (i = 0; i < REPUTATION_REST_FIRST * 2; i++)
		kinds += seen[i];
	CHECK(kinds > 3);
	t = jitter(0);
	CHECK(t.tv_sec == 0 && t.tv_usec == 0);
}

/* Everybody who uses the server over the same protocol is told, in one go with what follows. */
static void
test_news(void)
{
	int64_t now = monotonic_seconds(), until;

	begin();
	CHECK(send_news(&web, "192.0.2.1:3478", 0) == NULL);
	CHECK(send_news(&web, "192.0.2.3:80", 0) == NULL);
	CHECK(log_has("natterd: server stun.example (192.0.2.1:3478, tcp) failed and is left alone for 3"));
	CHECK(changes == 0);
	settle(1);
	until = web.servers.stun[0].rest_until;
	CHECK(until >= now + 30 && until <= monotonic_seconds() + 36);
	CHECK(web.servers.keep_alive[0].rest_until >= now + 30);
	CHECK(web.servers.stun[1].rest_until == 0 && web.servers.keep_alive[1].rest_until == 0);
	CHECK(game.servers.stun[0].rest_until == 0);
	send_news(&web, "192.0.2.1:3478", 0);
	CHECK(log_count("3478") == 1);
	settle(2);
	CHECK(web.servers.stun[0].rest_until == until);
	send_news(&web, "192.0.2.1:3478", 1);
	settle(3);
	CHECK(web.servers.stun[0].rest_until == 0 && web.servers.keep_alive[0].rest_until != 0);
}

/* Where all failed and one is reached again, so may be the others. */
static void
test_the_way_failed(void)
{
	begin();
	send_news(&web, "192.0.2.1:3478", 0);
	send_news(&web, "192.0.2.3:80", 0);
	send_news(&web, "[2001:db8::3]:80", 0);
	settle(1);
	send_news(&web, "192.0.2.3:80", 1);
	settle(2);
	CHECK(web.servers.keep_alive[0].rest_until == 0 && web.servers.keep_alive[1].rest_until == 0);
	CHECK(web.servers.stun[0].rest_until != 0);
	send_news(&web, "192.0.2.1:3479", 1);
	settle(3);
	CHECK(web.servers.stun[0].rest_until != 0);
}

static void
test_foreign_servers(void)
{
	struct addr foreign = addr_of("192.0.2.9:80");

	begin();
	CHECK(send_news(&web, "192.0.2.9:80", 0) == NULL);
	CHECK(reputation_rest_until(PROTOCOL_TCP, &foreign) == 0);
	/* One that has moved is forgotten with the next list. */
	reputation_fail(PROTOCOL_TCP, &foreign, 1000);
	send_news(&web, "192.0.2.3:80", 0);
	settle(1);
	CHECK(reputation_rest_until(PROTOCOL_TCP, &foreign) == 0);
	CHECK(web.servers.keep_alive[0].rest_until != 0);
}

static void
test_malformed(void)
{
	struct message m = {.kind = MESSAGE_SERVER, .length = sizeof(m.server_news), .fd = -1};
	static const char why[] = "sent malformed news of a server";

	begin();
	CHECK_TEXT(send_news(&web, "", 0), why);
	CHECK_TEXT(send_news(&web, "192.0.2.3:0", 0), why);
	CHECK_TEXT(send_news(&web, "192.0.2.3:80", 2), why);
	m.server_news.addr = addr_of("192.0.2.3:80");
	m.server_news.addr.sa.sa_family = AF_UNIX;
	CHECK_TEXT(servers_take_news(&web, &m), why);
	m.server_news.addr.sa.sa_family = AF_INET;
	m.length--;
	CHECK_TEXT(servers_take_news(&web, &m), why);
	m.length += 2;
	CHECK_TEXT(servers_take_news(&web, &m), why);
	CHECK(changes == 0 && reputation_rest_until(PROTOCOL_TCP, &m.server_news.addr) == 0);
}

/* What one says too often is not heard; another one is. */
static void
test_flood(void)
{
	int i;

	begin();
	for (i = 0; i < 10000; i++)
		CHECK(send_news(&web, "192.0.2.3:80", (uint32_t)i % 2) == NULL);
	CHECK(log_count("failed") <= 2 * 20);
	send_news(&game, "192.0.2.3:80", 0);
	CHECK(log_has("(192.0.2.3:80, udp) failed"));
	settle(1);
}

static void
test_quota(void)
{
	struct quota q = {0};
	int i, lines = 0;

	log_clear();
	for (i = 0; i < 30; i++)
		lines += quota_take_line(&q, 10, 3600, "web");
	CHECK(lines == 10 && !log_has("left out"));
	q.began -= 3600;
	CHECK(quota_take_line(&q, 10, 3600, "web"));
	CHECK_TEXT(log_lines, "web: 20 more lines were left out\n");
	CHECK(quota_take_line(&q, 10, 3600, "web"));
	CHECK(log_count("left out") == 1);
}

int
main(void)
{
	loop_open();
	log_set_level(LOG_LEVEL_DEBUG);
	fill_service(&web, "web", PROTOCOL_TCP, "10.0.0.5:80", "203.0.113.7:1000");
	fill_service(&game, "game", PROTOCOL_UDP, "10.0.0.5:80", "203.0.113.7:1001");
	TAILQ_INSERT_TAIL(&table, &web, entry);
	TAILQ_INSERT_TAIL(&table, &game, entry);
	test_rests();
	test_chance();
	test_news();
	test_the_way_failed();
	test_foreign_servers();
	test_malformed();
	test_flood();
	test_quota();
	servers_close();
	return check_done();
}
