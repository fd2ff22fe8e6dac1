/* SPDX-License-Identifier: ISC */
/*
 * What a STUN server, or whoever guesses our port, sends.
 */
#include "stun.h"

#include <errno.h>

#include "fuzz.h"

static bool
is_usable(const struct addr *a)
{
	return addr_is_set(a) && addr_port(a) != 0 && !addr_is_wildcard(a);
}

static void
check(const struct stun_response *r)
{
	MUST(r->success == is_usable(&r->mapped) && r->success == (r->error_code == 0));
	MUST(r->success || (r->error_code >= 300 && r->error_code <= 699));
	MUST(!addr_is_set(&r->other) || is_usable(&r->other));
	MUST(!addr_is_set(&r->origin) || is_usable(&r->origin));
	MUST(!addr_is_set(&r->alternate) || is_usable(&r->alternate));
	MUST(text_is_printable(r->error_reason, sizeof(r->error_reason)));
}

/* The request's ID is the one that is answered, or no input would get far. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int length = stun_frame_length(data, size), result;
	struct stun_response r;
	struct stun_id id = {{0}};

	MUST(length == -1 || length == 0 || (length >= STUN_HEADER_SIZE && length <= STUN_RESPONSE_MAX));
	if (size >= STUN_HEADER_SIZE)
		memcpy(id.bytes, data + STUN_HEADER_SIZE - STUN_ID_SIZE, STUN_ID_SIZE);
	result = stun_parse_response(data, size, &id, &r);
	MUST(result == 0 || errno == EBADMSG || errno == EPROTO);
	if (result == 0 || errno == EPROTO)
		MUST(stun_is_message(data, size) && (size > STUN_RESPONSE_MAX || (size_t)length == size));
	if (result == 0)
		check(&r);
	id.bytes[size % STUN_ID_SIZE] ^= 1;
	MUST(stun_parse_response(data, size, &id, &r) == -1 && errno == EBADMSG);
	return 0;
}
