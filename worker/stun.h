/* SPDX-License-Identifier: ISC */
/*
 * The STUN codec (RFC 8489, with the attributes of RFC 3489 and RFC 5780 that
 * servers still send): builds a binding request, parses a response.  No I/O.
 *
 *      0                   1                   2                   3
 *      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *     |0 0|     message type          |         message length        |
 *     |                  magic cookie 0x2112A442                      |
 *     |                  transaction ID (96 bits)                     |
 *     |  attribute type               |  value length | value, padded to 4 ...
 */
#ifndef STUN_H
#define STUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "addr.h"

#define STUN_HEADER_SIZE 20
#define STUN_ID_SIZE 12
/* The largest request this codec builds. */
#define STUN_REQUEST_SIZE 28
/* The largest response it reads: RFC 8489, 6.1 keeps UDP ones below the path
 * MTU; the header's length field would allow 64 KiB over TCP. */
#define STUN_RESPONSE_MAX 2048

struct stun_id {
	uint8_t bytes[STUN_ID_SIZE];
};

enum stun_change { /* CHANGE-REQUEST, RFC 5780 7.2 */
	STUN_CHANGE_NONE = 0,
	STUN_CHANGE_PORT = 2,
	STUN_CHANGE_IP = 4,
};

struct stun_response {
	bool success;           /* false: an error response */
	struct addr mapped;     /* XOR-MAPPED-ADDRESS, else MAPPED-ADDRESS; set on success */
	struct addr other;      /* OTHER-ADDRESS or CHANGED-ADDRESS; unset: not sent */
	struct addr origin;     /* RESPONSE-ORIGIN or SOURCE-ADDRESS; unset: not sent */
	struct addr alternate;  /* ALTERNATE-SERVER; unset: not sent */
	int error_code;         /* 300 to 699 of an error response */
	char error_reason[128]; /* its printable text, possibly empty */
};

/* 96 random bits from the kernel (RFC 8489, 6: "cryptographically random"). */
struct stun_id stun_new_id(void);

/* Writes a binding request, change being STUN_CHANGE_NONE or a sum of the
 * others.  Returns its length. */
size_t stun_build_request(uint8_t out[STUN_REQUEST_SIZE], const struct stun_id *id, unsigned int change);

/* Over TCP (RFC 8489, 6.2.2): how many bytes the message at the head of the
 * stream has.  0: more bytes are needed to tell; -1: this is not STUN, or it is
 * longer than STUN_RESPONSE_MAX. */
int stun_frame_length(const uint8_t *data, size_t length);

/* Could this datagram be a STUN message at all (RFC 8489, 6.3: the two zero
 * bits, the cookie, the length)?  If not it is somebody else's. */
bool stun_is_message(const uint8_t *data, size_t length);

/* Is the message, which stun_is_message, a response to that transaction, whatever it says? */
bool stun_is_response(const uint8_t *data, const struct stun_id *id);

/* Parses the response to the transaction id.  Returns 0 with *out filled, or -1
 * with errno: EBADMSG if it is no answer to it (to be ignored: another ID,
 * another type, malformed), EPROTO if it answers but cannot be used (no mapped
 * address, an unknown comprehension-required attribute). */
int stun_parse_response(const uint8_t *data, size_t length, const struct stun_id *id, struct stun_response *out);

#endif
