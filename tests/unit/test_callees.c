/* SPDX-License-Identifier: ISC */
/*
 * Whom a worker's sockets are connected to, and whom not.
 * NEEDS: supervisor/callees supervisor/quota
 */
#include "callees.h"
#include "check.h"
#include "nat.h"

static struct callees callees;
static struct mapping mapping;
static struct servers servers;

static struct addr
at(const char *text)
{
	struct addr a;

	CHECK(addr_parse(text, 0, &a) == 0);
	return a;
}

static bool
calls(enum socket_use use, const char *text)
{
	struct addr a = at(text);

	return callees_include(&callees, &mapping, use, &a);
}

static void
begin(enum task task)
{
	callees = (struct callees){0};
	servers = (struct servers){.stun_count = 1, .keep_alive_count = 1};
	mapping = (struct mapping){.task = task, .target = at("127.0.0.1:22")};
	servers.stun[0].addr = at("203.0.113.10:3478");
	servers.keep_alive[0].addr = at("203.0.113.30:80");
	callees_set_servers(&callees, &servers);
}

static void
test_servers(void)
{
	begin(TASK_HOLD);
	CHECK(calls(SOCKET_CONNECT, "203.0.113.10:3478") && calls(SOCKET_KEEP, "203.0.113.30:80"));
	CHECK(!calls(SOCKET_CONNECT, "203.0.113.10:3479") && !calls(SOCKET_KEEP, "203.0.113.31:80"));
	CHECK(!calls(SOCKET_FRESH, "203.0.113.30:80"));
	CHECK(calls(SOCKET_TARGET, "127.0.0.1:22"));
	CHECK(!calls(SOCKET_TARGET, "127.0.0.1:23") && !calls(SOCKET_TARGET, "203.0.113.30:80"));
	CHECK(!calls(SOCKET_CONNECT, "127.0.0.1:22") && !calls(SOCKET_KEEP, "127.0.0.1:22"));
}

/* Who is being asked while the list changes may still be; that one of them rests changes nothing. */
static void
test_change(void)
{
	begin(TASK_HOLD);
	servers.keep_alive[0].addr = at("203.0.113.31:8080");
	callees_set_servers(&callees, &servers);
	servers.keep_alive[0].rest_until = 100;
	callees_set_servers(&callees, &servers);
	CHECK(calls(SOCKET_KEEP, "203.0.113.31:8080") && calls(SOCKET_KEEP, "203.0.113.30:80"));
	servers.keep_alive[0].addr = at("203.0.113.32:8080");
	callees_set_servers(&callees, &servers);
	CHECK(calls(SOCKET_KEEP, "203.0.113.31:8080") && !calls(SOCKET_KEEP, "203.0.113.30:80"));
}

static bool
calls_itself(const char *text)
{
	struct addr a = at(text);

	callees_set_outer(&callees, &a);
	return calls(SOCKET_FRESH, text);
}

static void
test_hairpin(void)
{
	int count = 0;

	begin(TASK_HOLD);
	CHECK(!calls(SOCKET_FRESH, "198.51.100.1:4711"));
	CHECK(calls_itself("198.51.100.1:4711"));
	CHECK(!calls(SOCKET_FRESH, "198.51.100.1:4712") && !calls(SOCKET_CONNECT, "198.51.100.1:4711"));
	/* Whatever a worker says its address is, it calls nobody on this machine. */
	CHECK(!calls_itself("127.0.0.1:22") && !calls_itself("169.254.169.254:80") && !calls_itself("[::1]:22"));
	/* Nor at home: no router's page, no neighbour's ssh. */
	CHECK(!calls_itself("192.168.1.1:80") && !calls_itself("10.0.0.5:22") && !calls_itself("172.16.0.1:443") &&
	      !calls_itself("100.64.0.1:80") && !calls_itself("[fd00::1]:22"));
	while (count < 100 && calls_itself("198.51.100.1:4711"))
		count++;
	CHECK(count > 0 && count < 10);
}

/* Where the STUN servers are at home, too, or in a company's network, so may be the NAT. */
static void
test_private_servers(void)
{
	begin(TASK_HOLD);
	servers.keep_alive[0].addr = at("10.0.0.30:80");
	callees_set_servers(&callees, &servers);
	CHECK(!calls_itself("10.0.0.5:4711"));
	servers.stun[0].addr = at("10.0.0.10:3478");
	callees_set_servers(&callees, &servers);
	CHECK(calls_itself("10.0.0.5:4711") && !calls_itself("127.0.0.1:22"));
	servers.stun[0].addr = at("203.0.113.10:3478");
	callees_set_servers(&callees, &servers);
	CHECK(!calls_itself("10.0.0.5:4711"));
}

static void
test_check(void)
{
	int count = 0;

	begin(TASK_CHECK);
	CHECK(!calls(SOCKET_CONNECT, "127.0.0.1:22") && calls(SOCKET_CONNECT, "203.0.113.10:3478"));
	CHECK(!calls(SOCKET_CONNECT, "192.168.1.1:80") && !calls(SOCKET_FRESH, "192.168.1.1:80"));
	while (count < 100 && calls(SOCKET_CONNECT, "203.0.113.11:3479"))
		count++;
	CHECK(count == NAT_STRANGERS_MAX);
	CHECK(!calls(SOCKET_FRESH, "192.0.2.1:80") && calls(SOCKET_CONNECT, "203.0.113.10:3478"));
}

int
main(void)
{
	test_servers();
	test_change();
	test_hairpin();
	test_private_servers();
	test_check();
	return check_done();
}
