/* SPDX-License-Identifier: ISC */
/*
 * Addresses: text both ways, hosts and ports, comparison, sockets.
 */
#include "addr.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/un.h>
#include <unistd.h>

#include "check.h"

static struct addr
address(const char *text)
{
	struct addr a;

	CHECK(addr_parse(text, 0, &a) == 0);
	return a;
}

static void
check_parse(const char *text, const char *wanted)
{
	char buf[ADDR_TEXT_SIZE];
	struct addr a;

	CHECK(addr_parse(text, 80, &a) == 0);
	CHECK_TEXT(addr_text(&a, buf), wanted);
}

static void
test_parse(void)
{
	check_parse("1.2.3.4", "1.2.3.4:80");
	check_parse("1.2.3.4:1", "1.2.3.4:1");
	check_parse("255.255.255.255:65535", "255.255.255.255:65535");
	check_parse("::1", "[::1]:80");
	check_parse("[::1]", "[::1]:80");
	check_parse("[::1]:443", "[::1]:443");
	check_parse("2001:DB8:0:0::7", "[2001:db8::7]:80");
	check_parse("::ffff:1.2.3.4", "[::ffff:1.2.3.4]:80");
	check_parse("[2001:db8:1111:2222:3333:4444:5555:6666]:65535", "[2001:db8:1111:2222:3333:4444:5555:6666]:65535");
	check_parse("0.0.0.0", "0.0.0.0:80");
}

static void
test_parse_refuses(void)
{
	static const char *const bad[] = {
	    "", ":", ":80", "1.2.3", "1.2.3.4.5", "1.2.3.256", "1.2.3.4:", "1.2.3.4:0", "1.2.3.4:65536", "1.2.3.4:-1",
	    "1.2.3.4:+1", "1.2.3.4: 1", "1.2.3.4:80x", "1.2.3.4:99999999999999999999", " 1.2.3.4", "1.2.3.4 ",
	    "example.org", "example.org:80", "[1.2.3.4]:80", "[::1", "::1]", "[::1]80", "[::1]:", "[::1]:0", "[]", "[]:80",
	    ":::1", "2001:db8::1::2", "fe80::1%lo", "[::1]:80:90",
	};
	struct addr a;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		errno = 0;
		CHECK(addr_parse(bad[i], 80, &a) == -1 && errno == EINVAL);
		if (errno != EINVAL)
			printf("  (\"%s\")\n", bad[i]);
	}
}

static void
test_parse_local(void)
{
	static const char *const bad[] = {"", ":", "0", "65536", "8x", "::80:", "1.2.3.4:0", "host", "-1", "+1", " 1"};
	static const char *const good[][2] = {
	    {"8443", "0.0.0.0:8443"}, {":8443", "0.0.0.0:8443"}, {"1.2.3.4:5", "1.2.3.4:5"}, {"1.2.3.4", "1.2.3.4:0"},
	    {"[::]:5", "[::]:5"}, {"::1", "[::1]:0"}, {"65535", "0.0.0.0:65535"},
	};
	char buf[ADDR_TEXT_SIZE];
	struct addr a;
	size_t i;

	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		CHECK(addr_parse_local(good[i][0], &a) == 0);
		CHECK_TEXT(addr_text(&a, buf), good[i][1]);
	}
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK(addr_parse_local(bad[i], &a) == -1 && errno == EINVAL);
}

static void
check_split(const char *text, const char *wanted_host, uint16_t wanted_port)
{
	char host[ADDR_HOST_SIZE] = "";
	uint16_t port = 0;

	CHECK(addr_split(text, 3478, host, &port) == 0);
	CHECK_TEXT(host, wanted_host);
	CHECK(port == wanted_port);
}

static void
test_split(void)
{
	check_split("example.org", "example.org", 3478);
	check_split("example.org:80", "example.org", 80);
	check_split("stun-1.example.org.", "stun-1.example.org.", 3478);
	check_split("1and1.com", "1and1.com", 3478);
	check_split("_stun._udp.example.org", "_stun._udp.example.org", 3478);
	check_split("localhost", "localhost", 3478);
	check_split("1.2.3.4:5", "1.2.3.4", 5);
	check_split("::1", "::1", 3478);
	check_split("[::1]:5", "::1", 5);
}

static void
test_split_refuses(void)
{
	static const char *const bad[] = {
	    "", ".", "-a.org", ".a.org", "a..org", "a.org:", "a.org:0", "a.org:65536", "a.org:http", "a b", "a/b", "a.org:1:2",
	    "1.2.3", "1.2.3.400", "[example.org]:80", "[1.2.3.4]", "http://a.org", "g\xc3\xbc.org", "a\n",
	};
	char host[ADDR_HOST_SIZE], longest[ADDR_HOST_SIZE + 10];
	uint16_t port;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		errno = 0;
		CHECK(addr_split(bad[i], 80, host, &port) == -1 && errno == EINVAL);
		if (errno != EINVAL)
			printf("  (\"%s\")\n", bad[i]);
	}
	memset(longest, 'a', sizeof(longest));
	longest[ADDR_HOST_SIZE] = '\0';
	CHECK(addr_split(longest, 80, host, &port) == -1);
	longest[ADDR_HOST_SIZE - 1] = '\0';
	CHECK(addr_split(longest, 80, host, &port) == 0);
	CHECK_TEXT(host, longest);
}

static void
test_unset(void)
{
	char buf[ADDR_TEXT_SIZE] = "x";
	struct addr none = {0}, also_none = {0}, one = address("1.2.3.4:5");

	CHECK(!addr_is_set(&none) && addr_is_set(&one));
	CHECK(addr_len(&none) == 0 && addr_port(&none) == 0);
	CHECK_TEXT(addr_text(&none, buf), "");
	CHECK_TEXT(addr_ip_text(&none, buf), "");
	CHECK(!addr_is_wildcard(&none) && !addr_is_loopback(&none));
	CHECK(addr_equal(&none, &also_none) && !addr_equal(&none, &one));
	addr_set_port(&none, 80);
	CHECK(!addr_is_set(&none) && addr_port(&none) == 0);
}

static void
test_compare(void)
{
	struct addr a = address("1.2.3.4:5"), b = address("1.2.3.4:6"), c = address("1.2.3.5:5");
	struct addr d = address("[::1]:5"), e = address("[::2]:5");

	CHECK(addr_equal(&a, &a) && addr_equal(&d, &d));
	CHECK(!addr_equal(&a, &b) && addr_same_ip(&a, &b));
	CHECK(!addr_equal(&a, &c) && !addr_same_ip(&a, &c));
	CHECK(!addr_equal(&a, &d) && !addr_same_ip(&a, &d));
	CHECK(!addr_equal(&d, &e) && !addr_same_ip(&d, &e));
	addr_set_port(&b, 5);
	CHECK(addr_equal(&a, &b) && memcmp(&a, &b, sizeof(a)) == 0);
}

static void
test_kinds(void)
{
	struct addr a = address("0.0.0.0:1"), b = address("[::]:1"), c = address("127.9.9.9:1"), d = address("::1");
	struct addr e = address("128.0.0.1:1");

	CHECK(addr_is_wildcard(&a) && addr_is_wildcard(&b) && !addr_is_wildcard(&c) && !addr_is_wildcard(&d));
	CHECK(addr_is_loopback(&c) && addr_is_loopback(&d) && !addr_is_loopback(&a) && !addr_is_loopback(&e));
	CHECK(addr_len(&a) == sizeof(struct sockaddr_in) && addr_len(&b) == sizeof(struct sockaddr_in6));
}

static void
test_ip_text(void)
{
	char buf[ADDR_TEXT_SIZE];
	struct addr a = address("1.2.3.4:5"), d = address("[2001:db8::1]:5");

	CHECK_TEXT(addr_ip_text(&a, buf), "1.2.3.4");
	CHECK_TEXT(addr_ip_text(&d, buf), "2001:db8::1");
}

/* The bytes that a kernel leaves undefined, or that mean nothing here, do not
 * get into a struct addr: it is compared with memcmp. */
static void
test_from_sockaddr(void)
{
	struct sockaddr_storage s;
	struct addr a, wanted = address("1.2.3.4:5");
	struct sockaddr_un local = {.sun_family = AF_UNIX};

	memset(&s, 0xff, sizeof(s));
	memcpy(&s, &wanted.v4, offsetof(struct sockaddr_in, sin_zero));
	CHECK(addr_from_sockaddr((struct sockaddr *)&s, &a) == 0);
	CHECK(memcmp(&a, &wanted, sizeof(a)) == 0);
	wanted = address("[2001:db8::1]:5");
	memcpy(&s, &wanted.v6, sizeof(wanted.v6));
	((struct sockaddr_in6 *)&s)->sin6_flowinfo = 7;
	CHECK(addr_from_sockaddr((struct sockaddr *)&s, &a) == 0);
	CHECK(memcmp(&a, &wanted, sizeof(a)) == 0);
	errno = 0;
	CHECK(addr_from_sockaddr((struct sockaddr *)&local, &a) == -1 && errno == EAFNOSUPPORT);
	CHECK(!addr_is_set(&a));
}

static void
test_sockets(void)
{
	struct addr wanted = address("127.0.0.1"), bound, peer;
	int server = socket(AF_INET, SOCK_DGRAM, 0), client = socket(AF_INET, SOCK_DGRAM, 0);

	CHECK(bind(server, &wanted.sa, addr_len(&wanted)) == 0);
	bound = addr_of_socket(server);
	CHECK(addr_same_ip(&bound, &wanted) && addr_port(&bound) != 0);
	peer = addr_of_peer(client);
	CHECK(!addr_is_set(&peer));
	CHECK(connect(client, &bound.sa, addr_len(&bound)) == 0);
	peer = addr_of_peer(client);
	CHECK(addr_equal(&peer, &bound));
	close(server);
	close(client);
	bound = addr_of_socket(client);
	CHECK(!addr_is_set(&bound));
}

static void
test_is_routable(void)
{
	static const char *const yes[] = {"203.0.113.7:1", "10.0.0.1:1", "100.64.0.1:1", "[2001:db8::1]:1"};
	static const char *const no[] = {"0.0.0.0:1", "0.1.2.3:1", "127.0.0.1:1", "169.254.1.1:1", "224.0.0.1:1",
	    "255.255.255.255:1", "[::]:1", "[::1]:1", "[fe80::1]:1", "[ff02::1]:1"};
	struct addr a;
	size_t i;

	for (i = 0; i < sizeof(yes) / sizeof(yes[0]); i++)
		CHECK(addr_parse(yes[i], 0, &a) == 0 && addr_is_routable(&a));
	for (i = 0; i < sizeof(no) / sizeof(no[0]); i++)
		CHECK(addr_parse(no[i], 0, &a) == 0 && !addr_is_routable(&a));
	memset(&a, 0, sizeof(a));
	CHECK(!addr_is_routable(&a));
}

int
main(void)
{
	test_parse();
	test_parse_refuses();
	test_parse_local();
	test_split();
	test_split_refuses();
	test_unset();
	test_compare();
	test_kinds();
	test_ip_text();
	test_from_sockaddr();
	test_sockets();
	test_is_routable();
	return check_done();
}
