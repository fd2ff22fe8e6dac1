/* SPDX-License-Identifier: ISC */
/*
 * What a keep-alive server sends: at once, and in two pieces.
 */
#include "http.h"

#include "fuzz.h"

static void
check(enum http_result result, const struct http_response *r)
{
	MUST(r->status == 0 || (r->status >= 100 && r->status <= 599));
	MUST(r->keep_alive_timeout >= 0 && r->keep_alive_timeout <= HTTP_PROMISE_MAX);
	MUST(r->keep_alive_max >= -1 && r->keep_alive_max <= HTTP_PROMISE_MAX);
	MUST(result != HTTP_DONE || r->status >= 200);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	size_t cut = size > 0 ? data[size - 1] % size : 0, used, first, second = 0;
	struct http_response whole, pieces;
	enum http_result result;

	memset(&whole, 0, sizeof(whole));
	memset(&pieces, 0, sizeof(pieces));
	result = http_feed(&whole, text, size, &used);
	check(result, &whole);
	MUST(result == HTTP_MORE ? used == size : used <= size);
	MUST(used <= HTTP_HEAD_MAX || (used == HTTP_HEAD_MAX + 1 && result == HTTP_BAD));
	if (http_feed(&pieces, text, cut, &first) == HTTP_MORE)
		MUST(http_feed(&pieces, text + cut, size - cut, &second) == result);
	MUST(first + second == used && memcmp(&whole, &pieces, sizeof(whole)) == 0);
	return 0;
}
