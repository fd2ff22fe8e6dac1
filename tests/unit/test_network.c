/* SPDX-License-Identifier: ISC */
/*
 * Networks: what is one, and who is in it.
 */
#include "network.h"

#include <errno.h>

#include "check.h"

static struct addr
address(const char *text)
{
	struct addr a;

	CHECK(addr_parse(text, 0, &a) == 0);
	return a;
}

/* "" for what is no network. */
static const char *
parsed(const char *text)
{
	static char buf[NETWORK_TEXT_SIZE];
	struct network n;

	if (network_parse(text, &n) < 0)
		return errno == EINVAL ? "" : "inside";
	return network_text(&n, buf);
}

/* The network, whatever its other bits were. */
static const char *
around(const char *text)
{
	static char buf[NETWORK_TEXT_SIZE];
	struct network n;

	CHECK(network_parse(text, &n) == -1 && errno == ERANGE);
	return network_text(&n, buf);
}

static void
test_parse(void)
{
	CHECK_TEXT(parsed("10.0.0.0/8"), "10.0.0.0/8");
	CHECK_TEXT(parsed("0.0.0.0/0"), "0.0.0.0/0");
	CHECK_TEXT(parsed("192.0.2.1"), "192.0.2.1/32");
	CHECK_TEXT(parsed("192.0.2.254/31"), "192.0.2.254/31");
	CHECK_TEXT(parsed("2001:db8::/32"), "2001:db8::/32");
	CHECK_TEXT(parsed("::/0"), "::/0");
	CHECK_TEXT(parsed("2001:db8::1"), "2001:db8::1/128");
	CHECK_TEXT(parsed("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128"), "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128");
	CHECK_TEXT(parsed("10.0.0.0/08"), "10.0.0.0/8");
}

static void
test_no_network(void)
{
	static const char *const texts[] = {"", "/", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/+8",
	    "10.0.0.0/8 ", " 10.0.0.0/8", "10.0.0.0/8/8", "10.0.0.0/x", "10.0.0/8", "10.0.0.0:80", "10.0.0.0/4294967304",
	    "::/129", "::/999", "[::]/0", "fe80::1%lo", ":::/8", "example.com", "10.0.0.0/255.0.0.0",
	    "00000:0000:0000:0000:0000:0000:0000:0000:0000:0000/1"};
	size_t i;

	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		CHECK_TEXT(parsed(texts[i]), "");
}

static void
test_inside(void)
{
	CHECK_TEXT(around("192.168.1.5/24"), "192.168.1.0/24");
	CHECK_TEXT(around("0.0.0.1/0"), "0.0.0.0/0");
	CHECK_TEXT(around("255.255.255.255/9"), "255.128.0.0/9");
	CHECK_TEXT(around("192.0.2.1/31"), "192.0.2.0/31");
	CHECK_TEXT(around("2001:db8::1/64"), "2001:db8::/64");
	CHECK_TEXT(around("2001:db8:0:0:c000::/65"), "2001:db8:0:0:8000::/65");
	CHECK_TEXT(around("::ffff:10.0.0.1/104"), "10.0.0.0/8");
}

/* IPv4 inside IPv6 is IPv4, as far as it is written out. */
static void
test_mapped(void)
{
	CHECK_TEXT(parsed("::ffff:192.0.2.0/120"), "192.0.2.0/24");
	CHECK_TEXT(parsed("::ffff:192.0.2.1"), "192.0.2.1/32");
	CHECK_TEXT(parsed("::ffff:0:0/96"), "0.0.0.0/0");
	CHECK_TEXT(parsed("::fffe:0:0/95"), "::fffe:0:0/95");
	CHECK_TEXT(parsed("::192.0.2.0/128"), "::192.0.2.0/128");
}

/* Is the address in the network? */
static bool
has(const char *network, const char *ip)
{
	struct networks all = {.count = 1};
	struct addr a = address(ip);

	CHECK(network_parse(network, &all.list[0]) == 0);
	return networks_have(&all, &a);
}

static void
test_have(void)
{
	CHECK(has("10.0.0.0/8", "10.255.255.255") && !has("10.0.0.0/8", "11.0.0.0") && !has("10.0.0.0/8", "9.255.255.255"));
	CHECK(has("192.0.2.128/25", "192.0.2.128:80") && !has("192.0.2.128/25", "192.0.2.127:80"));
	CHECK(has("192.0.2.6/31", "192.0.2.7") && !has("192.0.2.6/31", "192.0.2.8"));
	CHECK(has("192.0.2.1", "192.0.2.1") && !has("192.0.2.1", "192.0.2.0"));
	CHECK(has("0.0.0.0/0", "255.1.2.3") && !has("0.0.0.0/0", "2001:db8::1"));
	CHECK(has("2001:db8::/32", "2001:db8:ffff::1") && !has("2001:db8::/32", "2001:db9::1"));
	CHECK(has("2001:db8::/65", "[2001:db8::7fff:0:0:1]:80") && !has("2001:db8::/65", "[2001:db8::8000:0:0:1]:80"));
	CHECK(has("2001:db8::1", "2001:db8::1") && !has("2001:db8::1", "2001:db8::2"));
	CHECK(has("::/0", "2001:db8::1") && !has("::/0", "10.0.0.1"));
}

static void
test_have_mapped(void)
{
	CHECK(has("10.0.0.0/8", "::ffff:10.1.2.3") && !has("10.0.0.0/8", "::ffff:11.1.2.3"));
	CHECK(has("::ffff:10.0.0.0/104", "10.1.2.3") && !has("::ffff:10.0.0.0/104", "11.1.2.3"));
	CHECK(!has("::/0", "::ffff:10.0.0.1") && !has("::fffe:0:0/95", "10.0.0.1") && !has("::/0", "10.0.0.1"));
}

static void
test_several(void)
{
	struct networks all = {.count = 0};
	struct addr first = address("10.0.0.1"), last = address("2001:db8::1"), other = address("10.0.0.3"), none = {0};

	CHECK(!networks_have(&all, &first));
	CHECK(network_parse("10.0.0.1", &all.list[0]) == 0 && network_parse("10.0.0.2", &all.list[1]) == 0);
	CHECK(network_parse("2001:db8::/32", &all.list[2]) == 0);
	all.count = 3;
	CHECK(networks_have(&all, &first) && networks_have(&all, &last) && !networks_have(&all, &other));
	CHECK(!networks_have(&all, &none));
	all.count = 2;
	CHECK(!networks_have(&all, &last));
}

static void
test_around(void)
{
	char buf[NETWORK_TEXT_SIZE];
	struct addr v4 = address("192.0.2.77:80"), v6 = address("[2001:db8:1:2:3:4:5:6]:80"), mapped = address("::ffff:192.0.2.77");
	struct network n = network_around(&v4, 32, 64);

	CHECK_TEXT(network_text(&n, buf), "192.0.2.77/32");
	n = network_around(&v4, 24, 64);
	CHECK_TEXT(network_text(&n, buf), "192.0.2.0/24");
	n = network_around(&v6, 32, 64);
	CHECK_TEXT(network_text(&n, buf), "2001:db8:1:2::/64");
	n = network_around(&mapped, 32, 64);
	CHECK_TEXT(network_text(&n, buf), "192.0.2.77/32");
}

int
main(void)
{
	test_parse();
	test_no_network();
	test_inside();
	test_mapped();
	test_have();
	test_have_mapped();
	test_several();
	test_around();
	return check_done();
}
