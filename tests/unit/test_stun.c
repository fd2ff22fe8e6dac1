/* SPDX-License-Identifier: ISC */
/*
 * The STUN codec against RFC 5769's vectors, hand-made messages, and answers
 * captured from real servers.  Every message is copied to the end of a heap
 * block of its own, so that a sanitizer sees a read beyond it.
 * NEEDS: worker/stun
 */
#include "stun.h"

#include <errno.h>
#include <stdlib.h>

#include "check.h"
#include "text.h"

#define COOKIE "2112a442"
#define ID "b7e7a701bc34d686fa87dfae" /* RFC 5769's */
#define XOR_GOOD "002000080001a147e112a643" /* 192.0.2.1:32853 */

struct parsed {
	int result;
	int error; /* errno */
	struct stun_response response;
	char mapped[ADDR_TEXT_SIZE];
	char other[ADDR_TEXT_SIZE];
	char origin[ADDR_TEXT_SIZE];
	char alternate[ADDR_TEXT_SIZE];
};

static size_t
from_hex(const char *hex, uint8_t *out, size_t size)
{
	size_t n = 0;
	unsigned int byte;

	for (; hex[0] != '\0' && n < size; hex += 2) {
		if (sscanf(hex, "%2x", &byte) != 1)
			abort();
		out[n++] = (uint8_t)byte;
	}
	return n;
}

static struct stun_id
id_from_hex(const char *hex)
{
	struct stun_id id;

	if (from_hex(hex, id.bytes, sizeof(id.bytes)) != sizeof(id.bytes))
		abort();
	return id;
}

static struct parsed
parse_bytes(const uint8_t *data, size_t length, const char *id_hex)
{
	struct stun_id id = id_from_hex(id_hex);
	struct parsed p;

	errno = 0;
	p.result = stun_parse_response(data, length, &id, &p.response);
	p.error = errno;
	addr_text(&p.response.mapped, p.mapped);
	addr_text(&p.response.other, p.other);
	addr_text(&p.response.origin, p.origin);
	addr_text(&p.response.alternate, p.alternate);
	return p;
}

static struct parsed
parse(const char *hex, const char *id_hex)
{
	uint8_t buf[4096], *exact;
	size_t length = from_hex(hex, buf, sizeof(buf));
	struct parsed p;

	exact = malloc(length + 1); /* not NULL for an empty one */
	if (exact == NULL)
		abort();
	memcpy(exact + 1, buf, length);
	p = parse_bytes(exact + 1, length, id_hex);
	free(exact);
	return p;
}

static void
check_refused(const char *hex, int error)
{
	struct parsed p = parse(hex, ID);

	CHECK(p.result == -1);
	CHECK(p.error == error);
	if (p.result != -1 || p.error != error)
		printf("  (%s: result %d, errno %d)\n", hex, p.result, p.error);
}

static void
check_mapped(const char *hex, const char *wanted)
{
	struct parsed p = parse(hex, ID);

	CHECK(p.result == 0 && p.response.success && p.response.error_code == 0);
	CHECK_TEXT(p.mapped, wanted);
}

static void
check_request(unsigned int change, const char *wanted)
{
	struct stun_id id = id_from_hex(ID);
	uint8_t request[STUN_REQUEST_SIZE], expected[STUN_REQUEST_SIZE];
	size_t length = stun_build_request(request, &id, change);

	CHECK(length == from_hex(wanted, expected, sizeof(expected)));
	CHECK(memcmp(request, expected, length) == 0);
	CHECK(stun_is_message(request, length));
	CHECK(stun_frame_length(request, length) == (int)length);
}

static void
test_requests(void)
{
	check_request(STUN_CHANGE_NONE, "00010000" COOKIE ID);
	check_request(STUN_CHANGE_IP + STUN_CHANGE_PORT, "00010008" COOKIE ID "0003000400000006");
	check_request(STUN_CHANGE_PORT, "00010008" COOKIE ID "0003000400000002");
}

static void
test_ids(void)
{
	static const struct stun_id zero;
	struct stun_id a = stun_new_id(), b = stun_new_id();

	CHECK(memcmp(&a, &b, sizeof(a)) != 0);
	CHECK(memcmp(&a, &zero, sizeof(a)) != 0);
}

static const char rfc5769_v4[] = "0101003c" COOKIE ID "8022000b7465737420766563746f7220" XOR_GOOD
    "000800142b91f599fd9e90c38c7489f92af9ba53f06be7d780280004c07d4c96";
static const char rfc5769_v6[] = "01010048" COOKIE ID "8022000b7465737420766563746f7220"
    "002000140002a1470113a9faa5d3f179bc25f4b5bed2b9d9"
    "00080014a382954e4be67bf11784c97c8292c275bfe3ed4180280004c8fb0b4c";

/* The two of its vectors that are requests are no answers to anything. */
static void
test_rfc5769(void)
{
	check_mapped(rfc5769_v4, "192.0.2.1:32853");
	check_mapped(rfc5769_v6, "[2001:db8:1234:5678:11:2233:4455:6677]:32853");
	check_refused("00010058" COOKIE ID "802200105354554e207465737420636c69656e74002400046e0001ff80290008932ff9b1"
	    "51263b36000600096576746a3a68367659202020000800149aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a280280004e57a3bcf",
	    EBADMSG);
	CHECK(parse("00010060" COOKIE "78ad3433c6ad72c029da412e00060012e3839ee38388e383aae38383e382afe382b900000015"
	    "001c662f2f3439396b39353464364f4c33346f4c394653547679363473410014000b6578616d706c652e6f72670000080014f67024"
	    "656dd64a3e02b8e0712e85c9a28ca89666", "78ad3433c6ad72c029da412e").result == -1);
}

static void
test_success(void)
{
	check_mapped("0101000c" COOKIE ID "0001000800018055c0000201", "192.0.2.1:32853");
	/* a NAT rewrote MAPPED-ADDRESS: XOR-MAPPED-ADDRESS counts, whichever comes first */
	check_mapped("01010018" COOKIE ID "00010008000100010a000001" XOR_GOOD, "192.0.2.1:32853");
	check_mapped("01010018" COOKIE ID XOR_GOOD "00010008000100010a000001", "192.0.2.1:32853");
	/* padding of any value is skipped */
	check_mapped("01010014" COOKIE ID "8022000178ffffff" XOR_GOOD, "192.0.2.1:32853");
	/* unknown and comprehension-optional */
	check_mapped("01010014" COOKIE ID "ffee000361626300" XOR_GOOD, "192.0.2.1:32853");
	/* the old number of XOR-MAPPED-ADDRESS beats MAPPED-ADDRESS and yields to the new one */
	check_mapped("01010018" COOKIE ID "00010008000100010a000001802000080001a147e112a643", "192.0.2.1:32853");
	check_mapped("01010018" COOKIE ID "802000080001a147e112a640" XOR_GOOD, "192.0.2.1:32853");
	/* of two of a type the first counts */
	check_mapped("01010018" COOKIE ID XOR_GOOD "002000080001a147e112a640", "192.0.2.1:32853");
	/* the zero byte before the family is to be ignored by who reads it */
	check_mapped("0101000c" COOKIE ID "00200008ff01a147e112a643", "192.0.2.1:32853");
}

static void
test_known_and_unknown(void)
{
	char hex[200];
	unsigned int type;

	check_refused("01010014" COOKIE ID "7f00000461626364" XOR_GOOD, EPROTO);
	check_refused("01010014" COOKIE ID XOR_GOOD "7f00000461626364", EPROTO);
	check_refused("01110014" COOKIE ID "7f000004616263640009000400000500", EBADMSG); /* 4 bytes too short */
	check_refused("01110010" COOKIE ID "7f000004616263640009000400000500", EPROTO);
	/* RFC 3489's whole range is known; the four left out have a form to keep */
	for (type = 0x0002; type <= 0x000b; type++) {
		if (type == 0x0004 || type == 0x0005 || type == 0x0008 || type == 0x0009)
			continue;
		snprintf(hex, sizeof(hex), "01010014" COOKIE ID "%04x000461626364" XOR_GOOD, type);
		check_mapped(hex, "192.0.2.1:32853");
	}
	check_refused("01010014" COOKIE ID "0000000461626364" XOR_GOOD, EPROTO);
	check_refused("01010014" COOKIE ID "000c000461626364" XOR_GOOD, EPROTO);
	/* what follows MESSAGE-INTEGRITY is ignored, be it unknown or an address */
	check_mapped("0101002c" COOKIE ID XOR_GOOD "000800142b91f599fd9e90c38c7489f92af9ba53f06be7d7"
	    "7f00000461626364", "192.0.2.1:32853");
	check_refused("01010024" COOKIE ID "000800142b91f599fd9e90c38c7489f92af9ba53f06be7d7" XOR_GOOD, EPROTO);
}

static void
test_unusable(void)
{
	check_refused("01010008" COOKIE ID "8022000461626364", EPROTO); /* no address */
	check_refused("01010000" COOKIE ID, EPROTO);
	check_refused("0101000c" COOKIE ID "000100080001805500000000", EPROTO); /* 0.0.0.0 */
	check_refused("0101000c" COOKIE ID "0001000800010000c0000201", EPROTO); /* port 0 */
	check_refused("0101000c" COOKIE ID "0020000800012112e112a643", EPROTO); /* port 0, XORed */
	check_refused("01010018" COOKIE ID "000100140002805500000000000000000000000000000000", EPROTO); /* [::] */
	/* an unusable XOR-MAPPED-ADDRESS is no reason to believe MAPPED-ADDRESS */
	check_refused("01010018" COOKIE ID "0001000800018055c00002010020000800012112e112a643", EPROTO);
}

static void
test_malformed(void)
{
	check_refused("0101000c" COOKIE ID "002000400001a147e112a643", EBADMSG); /* the value runs past the end */
	check_refused("0101000c" COOKIE ID "0020000c0001a147e112a643", EBADMSG); /* by 4 bytes */
	check_refused("0101000c" COOKIE ID "0020ffff0001a147e112a643", EBADMSG);
	check_refused("01010010" COOKIE ID XOR_GOOD "80220001", EBADMSG); /* the padded value would be beyond */
	check_refused("0101000b" COOKIE ID "002000080001a147e112a6", EBADMSG); /* not a multiple of 4 */
	check_refused("010100c8" COOKIE ID XOR_GOOD, EBADMSG);                 /* longer than the datagram */
	check_refused("0101000c" COOKIE ID XOR_GOOD "00000000", EBADMSG);      /* shorter than the datagram */
	check_refused("0101000c" COOKIE ID "002000080003a147e112a643", EBADMSG); /* family 3 */
	check_refused("0101000c" COOKIE ID "002000080002a147e112a643", EBADMSG); /* IPv6 of 8 bytes */
	check_refused("01010018" COOKIE ID "002000140001a1470113a9faa5d3f179bc25f4b5bed2b9d9", EBADMSG);
	check_refused("01010004" COOKIE ID "00200000", EBADMSG);         /* an address of 0 bytes */
	check_refused("01010008" COOKIE ID "002000030001a100", EBADMSG); /* of 3 */
	check_refused("0101000c" COOKIE ID "002000070001a147e112a643", EBADMSG);
	check_refused("01010014" COOKIE ID XOR_GOOD "802c0004000100aa", EBADMSG); /* OTHER-ADDRESS of 4 */
	check_refused("01110008" COOKIE ID "0009000300000500", EBADMSG); /* ERROR-CODE of 3 */
}

static void
test_not_ours(void)
{
	struct parsed p = parse(rfc5769_v4, "b7e7a701bc34d686fa87dfaf");

	CHECK(p.result == -1 && p.error == EBADMSG);
	check_refused("0101000c00000000" ID XOR_GOOD, EBADMSG);       /* another cookie */
	check_refused("c101000c" COOKIE ID XOR_GOOD, EBADMSG);        /* RTP or QUIC */
	check_refused("4101000c" COOKIE ID XOR_GOOD, EBADMSG);
	check_refused("0001000c" COOKIE ID XOR_GOOD, EBADMSG);        /* a request */
	check_refused("0011000c" COOKIE ID XOR_GOOD, EBADMSG);        /* an indication */
	check_refused("0103000c" COOKIE ID XOR_GOOD, EBADMSG);        /* an answer to Allocate */
	check_refused("", EBADMSG);
	check_refused("01010000" COOKIE "b7e7a701bc34d686fa87df", EBADMSG);
}

static void
test_errors(void)
{
	struct parsed p = parse("01110024" COOKIE ID "000900110000030054727920416c7465726e617465000000"
	    "8023000800010d97c0000209", ID);

	CHECK(p.result == 0 && !p.response.success && p.response.error_code == 300);
	CHECK_TEXT(p.response.error_reason, "Try Alternate");
	CHECK_TEXT(p.alternate, "192.0.2.9:3479");
	CHECK_TEXT(p.mapped, "");
	p = parse("01110024" COOKIE ID "0009001500000414556e6b6e6f776e20417474726962757465000000000a000200030000", ID);
	CHECK(p.result == 0 && p.response.error_code == 420);
	CHECK_TEXT(p.response.error_reason, "Unknown Attribute");
	p = parse("01110014" COOKIE ID "0009001000000500536572766572204572726f72", ID);
	CHECK(p.result == 0 && p.response.error_code == 500);
	CHECK_TEXT(p.response.error_reason, "Server Error");
	/* control characters are no way into a terminal; NULs at the end are padding; 699 is the last code */
	p = parse("01110010" COOKIE ID "0009000b00000663411b5b0a420000ff", ID);
	CHECK(p.result == 0 && p.response.error_code == 699);
	CHECK_TEXT(p.response.error_reason, "A?[?B");
	check_refused("01110000" COOKIE ID, EPROTO); /* without ERROR-CODE */
	check_refused("01110008" COOKIE ID "0009000400000200", EPROTO); /* 200 */
	check_refused("01110008" COOKIE ID "0009000400000700", EPROTO); /* 700 */
	check_refused("01110008" COOKIE ID "0009000400000464", EPROTO); /* 4 and 100 */
	check_refused("01110018" COOKIE ID "0009001000000500536572766572204572726f72", EBADMSG);
}

/* RFC 8489 allows 763 bytes: what does not fit is cut, terminated. */
static void
test_long_reason(void)
{
	static const char head[] = "01110300" COOKIE ID "000902fc00000500";
	char hex[2000];
	struct parsed p;
	size_t i;

	snprintf(hex, sizeof(hex), "%s", head);
	for (i = 0; i < 760; i++)
		snprintf(hex + sizeof(head) - 1 + 2 * i, 3, "41");
	p = parse(hex, ID);
	CHECK(p.result == 0 && p.response.error_code == 500);
	CHECK(strlen(p.response.error_reason) == sizeof(p.response.error_reason) - 1);
	CHECK(text_is_printable(p.response.error_reason, sizeof(p.response.error_reason)));
}

static void
test_captured(void)
{
	struct parsed p = parse("01010048" COOKIE "0102030405060708090a0b0c002000080001937cea12d548000100080001b26ecb00710a"
	    "802b000800010d96cb00710a802c000800010d97cb00710b80220014436f7475726e2d342e362e312027476f72737427",
	    "0102030405060708090a0b0c");

	CHECK(p.result == 0 && p.response.success);
	CHECK_TEXT(p.mapped, "203.0.113.10:45678");
	CHECK_TEXT(p.origin, "203.0.113.10:3478");
	CHECK_TEXT(p.other, "203.0.113.11:3479");
	p = parse("01010078" COOKIE "4083fc32283024a2e36205d8002000140002a194dc12a4434083fc32283024a2e36205c8"
	    "0001001400028086fd000001000000000000000000000010802b001400020d96fd000001000000000000000000000010"
	    "802c001400020d97fd00000100000000000000000000001180220014436f7475726e2d342e362e312027476f72737427",
	    "4083fc32283024a2e36205d8");
	CHECK_TEXT(p.mapped, "[fd00:1::10]:32902");
	CHECK_TEXT(p.origin, "[fd00:1::10]:3478");
	CHECK_TEXT(p.other, "[fd00:1::11]:3479");
}

/* coturn's answer to a request in RFC 3489's form has no cookie.  Ours always
 * has it and no server drops it from the answer: what comes without is not for
 * us.  The same attributes under a cookie are taken. */
static void
test_rfc3489(void)
{
#define OLD_ATTRIBUTES                                                                                                \
	"000100080001b26fcb00710a0004000800010d96cb00710a0005000800010d97cb00710b"                                    \
	"80220018436f7475726e2d342e362e312027476f7273742700000000"
	struct parsed p = parse("0101004000010203" "0405060708090a0b0c0d0e0f" OLD_ATTRIBUTES, "0405060708090a0b0c0d0e0f");

	CHECK(p.result == -1 && p.error == EBADMSG);
	p = parse("01010040" COOKIE "0405060708090a0b0c0d0e0f" OLD_ATTRIBUTES, "0405060708090a0b0c0d0e0f");
	CHECK(p.result == 0);
	CHECK_TEXT(p.mapped, "203.0.113.10:45679");
	CHECK_TEXT(p.origin, "203.0.113.10:3478");
	CHECK_TEXT(p.other, "203.0.113.11:3479");
}

/* A server without a second address may say so with zeros. */
static void
test_unset_addresses(void)
{
	struct parsed p = parse("01010018" COOKIE ID XOR_GOOD "000500080001000000000000", ID);

	CHECK(p.result == 0);
	CHECK(!addr_is_set(&p.response.other) && !addr_is_set(&p.response.origin));
}

static void
test_frames(void)
{
	uint8_t data[100];
	size_t i, length = from_hex(rfc5769_v4, data, sizeof(data));

	for (i = 0; i < 8; i++)
		CHECK(stun_frame_length(data, i) == 0);
	for (i = 8; i <= length; i++)
		CHECK(stun_frame_length(data, i) == 80);
	CHECK(stun_frame_length(data, sizeof(data)) == 80); /* the next message has begun */
	CHECK(stun_frame_length((const uint8_t *)"HTTP/1.1 400", 12) == -1);
	CHECK(stun_frame_length((const uint8_t *)"H", 1) == -1);
	data[3] = 0x3d;
	CHECK(stun_frame_length(data, length) == -1); /* not a multiple of 4 */
	data[2] = 0x07, data[3] = 0xec;
	CHECK(stun_frame_length(data, length) == STUN_RESPONSE_MAX);
	data[2] = 0x07, data[3] = 0xf0;
	CHECK(stun_frame_length(data, length) == -1); /* too long */
	data[2] = 0, data[3] = 0x3c, data[4] = 0;
	CHECK(stun_frame_length(data, length) == -1); /* another cookie */
}

static void
test_is_message(void)
{
	uint8_t data[100];
	size_t length = from_hex(rfc5769_v4, data, sizeof(data));

	CHECK(stun_is_message(data, length));
	CHECK(!stun_is_message(data, length - 1));
	CHECK(!stun_is_message(data, length - 4));
	CHECK(!stun_is_message(data, length + 4));
	CHECK(!stun_is_message(data, STUN_HEADER_SIZE - 1));
	CHECK(!stun_is_message(data, 0));
	data[0] |= 0x80;
	CHECK(!stun_is_message(data, length));
}

/* Every truncation and every changed byte of a good message is survived, and
 * whatever is still accepted keeps the promises of stun.h. */
static void
test_damage(const char *good)
{
	uint8_t buf[200], *copy;
	size_t length = from_hex(good, buf, sizeof(buf)), i;
	struct parsed p;
	int flip;

	for (i = 0; i < length; i++) {
		copy = malloc(i + 1);
		if (copy == NULL)
			abort();
		memcpy(copy + 1, buf, i);
		CHECK(parse_bytes(copy + 1, i, ID).result == -1);
		free(copy);
		for (flip = 1; flip < 256; flip++) {
			buf[i] ^= (uint8_t)flip;
			p = parse_bytes(buf, length, ID);
			if (p.result == 0 && p.response.success)
				CHECK(addr_port(&p.response.mapped) != 0 && !addr_is_wildcard(&p.response.mapped));
			buf[i] ^= (uint8_t)flip;
		}
	}
}

int
main(void)
{
	test_requests();
	test_ids();
	test_rfc5769();
	test_success();
	test_known_and_unknown();
	test_unusable();
	test_malformed();
	test_not_ours();
	test_errors();
	test_long_reason();
	test_captured();
	test_rfc3489();
	test_unset_addresses();
	test_frames();
	test_is_message();
	test_damage(rfc5769_v4);
	test_damage(rfc5769_v6);
	return check_done();
}
