/* SPDX-License-Identifier: ISC */
/*
 * The STUN codec; see stun.h.  Everything here was sent by a stranger: no byte
 * is read before its length was checked, and a response is believed only as
 * the answer to a request of ours.
 */
#include "stun.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "log.h"
#include "text.h"

#define COOKIE 0x2112a442u

enum message_type { /* RFC 8489, 5: method "binding" with its class */
	BINDING_REQUEST = 0x0001,
	BINDING_SUCCESS = 0x0101,
	BINDING_ERROR = 0x0111,
};

enum attribute { /* RFC 8489, 18.3; RFC 3489, 11.2; RFC 5780, 7; RFC 5245, 19.1 */
	MAPPED_ADDRESS = 0x0001,
	CHANGE_REQUEST = 0x0003,
	SOURCE_ADDRESS = 0x0004,
	CHANGED_ADDRESS = 0x0005,
	MESSAGE_INTEGRITY = 0x0008,
	ERROR_CODE = 0x0009,
	REFLECTED_FROM = 0x000b,
	REALM = 0x0014,
	NONCE = 0x0015,
	MESSAGE_INTEGRITY_SHA256 = 0x001c,
	PASSWORD_ALGORITHM = 0x001d,
	USERHASH = 0x001e,
	XOR_MAPPED_ADDRESS = 0x0020,
	PRIORITY = 0x0024,
	USE_CANDIDATE = 0x0025,
	PADDING = 0x0026,
	RESPONSE_PORT = 0x0027,
	OLD_XOR_MAPPED_ADDRESS = 0x8020, /* of the drafts before RFC 5389 */
	ALTERNATE_SERVER = 0x8023,
	RESPONSE_ORIGIN = 0x802b,
	OTHER_ADDRESS = 0x802c,
};

/* From here on an attribute may be ignored by who does not know it. */
#define COMPREHENSION_OPTIONAL 0x8000

enum family { /* RFC 8489, 14.1 */
	FAMILY_IPV4 = 1,
	FAMILY_IPV6 = 2,
};

/* What the walk over the attributes has found; the first of a type counts
 * (RFC 8489, 14). */
struct findings {
	const uint8_t *head; /* the message's */
	bool integrity;      /* what follows MESSAGE-INTEGRITY is to be ignored (RFC 8489, 14.5) */
	bool unknown;        /* a comprehension-required attribute that nobody knows here */
	struct addr xor_mapped;
	struct addr old_xor_mapped;
	struct addr mapped;
	struct addr other;
	struct addr changed;
	struct addr origin;
	struct addr source;
	struct addr alternate;
	bool has_error;
	int error_code; /* 0: not between 300 and 699 */
	const uint8_t *reason;
	size_t reason_length;
};

static uint16_t
get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static uint32_t
get32(const uint8_t *p)
{
	return (uint32_t)get16(p) << 16 | get16(p + 2);
}

static void
put16(uint8_t *p, unsigned int value)
{
	p[0] = (uint8_t)(value >> 8);
	p[1] = (uint8_t)value;
}

static void
put32(uint8_t *p, uint32_t value)
{
	put16(p, value >> 16);
	put16(p + 2, value & 0xffff);
}

struct stun_id
stun_new_id(void)
{
	struct stun_id id;
	size_t have = 0;
	ssize_t n;

	while (have < sizeof(id.bytes)) {
		n = getrandom(id.bytes + have, sizeof(id.bytes) - have, 0);
		if (n < 0 && errno != EINTR)
			fatal("cannot get random bytes for a STUN transaction: %s", strerror(errno));
		if (n > 0)
			have += (size_t)n;
	}
	return id;
}

/* The cookie is always sent: without it some servers answer as RFC 3489 asked
 * for, others XOR the address with whatever stands in the cookie's place. */
size_t
stun_build_request(uint8_t out[STUN_REQUEST_SIZE], const struct stun_id *id, unsigned int change)
{
	size_t length = STUN_HEADER_SIZE;

	if (change != STUN_CHANGE_NONE) {
		put16(out + length, CHANGE_REQUEST);
		put16(out + length + 2, 4);
		put32(out + length + 4, change);
		length += 8;
	}
	put16(out, BINDING_REQUEST);
	put16(out + 2, (unsigned int)(length - STUN_HEADER_SIZE));
	put32(out + 4, COOKIE);
	memcpy(out + 8, id->bytes, STUN_ID_SIZE);
	return length;
}

int
stun_frame_length(const uint8_t *data, size_t length)
{
	size_t body;

	if (length > 0 && data[0] >= 0x40)
		return -1;
	if (length < 8)
		return 0;
	body = get16(data + 2);
	if (get32(data + 4) != COOKIE || body % 4 != 0 || STUN_HEADER_SIZE + body > STUN_RESPONSE_MAX)
		return -1;
	return (int)(STUN_HEADER_SIZE + body);
}

bool
stun_is_message(const uint8_t *data, size_t length)
{
	return length >= STUN_HEADER_SIZE && length % 4 == 0 && data[0] < 0x40 &&
	       get16(data + 2) == length - STUN_HEADER_SIZE && get32(data + 4) == COOKIE;
}

bool
stun_is_response(const uint8_t *data, const struct stun_id *id)
{
	unsigned int type = get16(data);

	return (type == BINDING_SUCCESS || type == BINDING_ERROR) && memcmp(data + 8, id->bytes, STUN_ID_SIZE) == 0;
}

/* Reads an address attribute (RFC 8489, 14.1: a zero byte, the family, the port
 * and the address), its port and address XORed with mask: zeros, or the cookie
 * and the transaction ID (14.2).  Returns false if it is malformed. */
static bool
read_address(const uint8_t *value, size_t length, const uint8_t mask[16], struct addr *out)
{
	uint8_t ip[16];
	size_t ip_length, i;

	if (length < 4)
		return false;
	ip_length = value[1] == FAMILY_IPV4 ? 4 : 16;
	if ((value[1] != FAMILY_IPV4 && value[1] != FAMILY_IPV6) || length != 4 + ip_length)
		return false;
	if (addr_is_set(out))
		return true;
	for (i = 0; i < ip_length; i++)
		ip[i] = value[4 + i] ^ mask[i];
	memset(out, 0, sizeof(*out));
	if (value[1] == FAMILY_IPV4) {
		out->sa.sa_family = AF_INET;
		memcpy(&out->v4.sin_addr, ip, ip_length);
	} else {
		out->sa.sa_family = AF_INET6;
		memcpy(&out->v6.sin6_addr, ip, ip_length);
	}
	addr_set_port(out, (uint16_t)(get16(value + 2) ^ get16(mask)));
	return true;
}

static bool
read_plain(const uint8_t *value, size_t length, struct addr *out)
{
	static const uint8_t zeros[16];

	return read_address(value, length, zeros, out);
}

/* RFC 8489, 14.8: 21 zero bits, the class 3 to 6, the number 0 to 99, a reason. */
static bool
read_error(struct findings *f, const uint8_t *value, size_t length)
{
	unsigned int class, number;

	if (length < 4)
		return false;
	if (f->has_error)
		return true;
	class = value[2] & 7;
	number = value[3];
	f->has_error = true;
	f->error_code = class >= 3 && class <= 6 && number <= 99 ? (int)(class * 100 + number) : 0;
	f->reason = value + 4;
	f->reason_length = length - 4;
	return true;
}

/* 0x0002 to 0x000b are RFC 3489's: servers still send SOURCE-ADDRESS and
 * CHANGED-ADDRESS to everybody. */
static bool
is_known(unsigned int type)
{
	switch (type) {
	case REALM:
	case NONCE:
	case MESSAGE_INTEGRITY_SHA256:
	case PASSWORD_ALGORITHM:
	case USERHASH:
	case XOR_MAPPED_ADDRESS:
	case PRIORITY:
	case USE_CANDIDATE:
	case PADDING:
	case RESPONSE_PORT:
		return true;
	default:
		return type >= MAPPED_ADDRESS && type <= REFLECTED_FROM;
	}
}

static bool
read_attribute(struct findings *f, unsigned int type, const uint8_t *value, size_t length)
{
	const uint8_t *mask = f->head + 4; /* the cookie and the transaction ID, 16 bytes */

	switch (type) {
	case MAPPED_ADDRESS:
		return read_plain(value, length, &f->mapped);
	case XOR_MAPPED_ADDRESS:
		return read_address(value, length, mask, &f->xor_mapped);
	case OLD_XOR_MAPPED_ADDRESS:
		return read_address(value, length, mask, &f->old_xor_mapped);
	case OTHER_ADDRESS:
		return read_plain(value, length, &f->other);
	case CHANGED_ADDRESS:
		return read_plain(value, length, &f->changed);
	case RESPONSE_ORIGIN:
		return read_plain(value, length, &f->origin);
	case SOURCE_ADDRESS:
		return read_plain(value, length, &f->source);
	case ALTERNATE_SERVER:
		return read_plain(value, length, &f->alternate);
	case ERROR_CODE:
		return read_error(f, value, length);
	case MESSAGE_INTEGRITY:
	case MESSAGE_INTEGRITY_SHA256:
		f->integrity = true; /* not checked: no password is shared with a public server */
		return true;
	default:
		f->unknown = f->unknown || (type < COMPREHENSION_OPTIONAL && !is_known(type));
		return true;
	}
}

/* Walks over the attributes of a message whose length is a multiple of 4.
 * Returns false if one is malformed or runs past the end. */
static bool
read_attributes(struct findings *f, const uint8_t *data, size_t length)
{
	size_t at = STUN_HEADER_SIZE, value_length, padded;
	const uint8_t *head;

	while (at < length) {
		head = data + at; /* at and length are multiples of 4: the attribute's head is there */
		value_length = get16(head + 2);
		/* RFC 8489, 14: padded to 4 bytes of any value, not counted in the length. */
		padded = (value_length + 3) & ~(size_t)3;
		if (padded > length - at - 4)
			return false;
		if (!f->integrity && !read_attribute(f, get16(head), head + 4, value_length))
			return false;
		at += 4 + padded;
	}
	return true;
}

static bool
is_usable(const struct addr *a)
{
	return addr_is_set(a) && !addr_is_wildcard(a) && addr_port(a) != 0;
}

/* The first one that was sent, if it can be used. */
static void
choose(struct addr *out, const struct addr *first, const struct addr *second)
{
	const struct addr *a = addr_is_set(first) ? first : second;

	if (is_usable(a))
		*out = *a;
}

static int
unusable(void)
{
	errno = EPROTO;
	return -1;
}

static int
take_success(const struct findings *f, struct stun_response *out)
{
	/* XOR first: some NATs rewrite what looks like their address in a packet. */
	const struct addr *xored = addr_is_set(&f->xor_mapped) ? &f->xor_mapped : &f->old_xor_mapped;

	choose(&out->mapped, xored, &f->mapped);
	if (!addr_is_set(&out->mapped))
		return unusable();
	choose(&out->other, &f->other, &f->changed);
	choose(&out->origin, &f->origin, &f->source);
	out->success = true;
	return 0;
}

static int
take_error(const struct findings *f, struct stun_response *out)
{
	size_t length;

	if (f->error_code == 0)
		return unusable();
	out->error_code = f->error_code;
	/* coturn counts the NULs of its padding as part of the reason. */
	length = strnlen((const char *)f->reason, f->reason_length);
	text_copy_printable(out->error_reason, sizeof(out->error_reason), f->reason, length);
	choose(&out->alternate, &f->alternate, &f->alternate);
	return 0;
}

int
stun_parse_response(const uint8_t *data, size_t length, const struct stun_id *id, struct stun_response *out)
{
	struct findings f = {.head = data};

	memset(out, 0, sizeof(*out));
	errno = EBADMSG;
	if (!stun_is_message(data, length) || !stun_is_response(data, id) || !read_attributes(&f, data, length))
		return -1;
	if (f.unknown)
		return unusable(); /* RFC 8489, 6.3.3 and 6.3.4 */
	return get16(data) == BINDING_SUCCESS ? take_success(&f, out) : take_error(&f, out);
}
