/* SPDX-License-Identifier: ISC */
/*
 * Counts by client, and that who has none leaves nothing behind.
 * NEEDS: worker/clients
 */
#include "clients.h"

#include <malloc.h>
#include <stdlib.h>

#include "check.h"

#define MANY 20000

static struct clients *clients;

static struct addr
address(const char *text)
{
	struct addr a;

	CHECK(addr_parse(text, 0, &a) == 0);
	return a;
}

static void
enter(const char *text)
{
	struct addr a = address(text);

	CHECK(clients_enter(clients, &a) == 0);
}

static void
leave(const char *text)
{
	struct addr a = address(text);

	clients_leave(clients, &a);
}

static uint32_t
count(const char *text)
{
	struct addr a = address(text);

	return clients_count(clients, &a);
}

static void
test_who(void)
{
	clients = clients_new();
	enter("192.0.2.1:1000");
	enter("192.0.2.1:1001");
	enter("192.0.2.2:1000");
	CHECK(count("192.0.2.1") == 2 && count("192.0.2.2:9") == 1 && count("192.0.2.3") == 0);
	enter("::ffff:192.0.2.1");
	CHECK(count("192.0.2.1") == 3);
	enter("[2001:db8:1:2::1]:80");
	enter("[2001:db8:1:2:ffff::]:80");
	enter("2001:db8:1:3::1");
	CHECK(count("2001:db8:1:2:3::") == 2 && count("2001:db8:1:3::") == 1 && count("2001:db8:1:4::") == 0);
	leave("192.0.2.1:77");
	leave("192.0.2.1:78");
	CHECK(count("192.0.2.1") == 1);
	leave("192.0.2.1:77");
	leave("192.0.2.1:78"); /* one that is not there */
	CHECK(count("192.0.2.1") == 0 && count("192.0.2.2") == 1);
	clients_free(clients);
}

static struct addr
numbered(uint32_t i)
{
	struct addr a = address("10.0.0.0:1");

	a.v4.sin_addr.s_addr = htonl(0x0a000000 + (i * 7919) % MANY);
	return a;
}

static void
test_many(void)
{
	size_t before, most;
	struct addr a;
	uint32_t i, wrong = 0;

	clients = clients_new();
	before = mallinfo2().uordblks;
	for (i = 0; i < 2 * MANY; i++) {
		a = numbered(i);
		wrong += clients_enter(clients, &a) != 0;
	}
	most = mallinfo2().uordblks - before;
	for (i = 0; i < MANY; i++) {
		a = numbered(i);
		wrong += clients_count(clients, &a) != 2;
		clients_leave(clients, &a);
		wrong += clients_count(clients, &a) != 1;
		clients_leave(clients, &a);
		wrong += clients_count(clients, &a) != 0;
	}
	CHECK(wrong == 0);
	CHECK(most <= (size_t)MANY * 64); /* 0 where malloc is not libc's */
	CHECK(mallinfo2().uordblks < before + 1024); /* malloc keeps a few at hand */
	clients_free(clients);
}

int
main(void)
{
	clients_free(NULL);
	test_who();
	test_many();
	return check_done();
}
