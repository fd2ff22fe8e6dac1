/* SPDX-License-Identifier: ISC */
/*
 * HTTP for the keep-alive; see http.h.
 */
#include "http.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

size_t
http_build_head(char out[HTTP_REQUEST_SIZE], const char *host)
{
	int n = snprintf(out, HTTP_REQUEST_SIZE,
	    "HEAD / HTTP/1.1\r\n"
	    "Host: %s\r\n"
	    "User-Agent: natter/" NATTER_VERSION "\r\n"
	    "Accept: */*\r\n"
	    "Connection: keep-alive\r\n"
	    "\r\n",
	    host);

	return (size_t)n;
}

/* RFC 9112, 4: HTTP-version SP status-code SP [ reason-phrase ] */
static bool
parse_status(struct http_response *r)
{
	int major, minor, status;

	if (sscanf(r->line, "HTTP/%1d.%1d %3d", &major, &minor, &status) != 3 || major != 1 || status < 100 ||
	    status > 599)
		return false;
	r->status = status;
	/* RFC 9112, 9.3: HTTP/1.0 closes unless it says otherwise. */
	r->close = minor == 0;
	return true;
}

/* Is token one of the comma-separated words of the field value? */
static bool
has_token(const char *value, const char *token)
{
	size_t length = strlen(token);
	const char *p = value;

	while (*p != '\0') {
		p += strspn(p, " \t,");
		if (strncasecmp(p, token, length) == 0 && strchr(" \t,", p[length]) != NULL)
			return true;
		p += strcspn(p, ",");
	}
	return false;
}

static void
parse_field(struct http_response *r)
{
	static const char connection[] = "connection:";

	if (strncasecmp(r->line, connection, sizeof(connection) - 1) != 0)
		return;
	if (has_token(r->line + sizeof(connection) - 1, "close"))
		r->close = true;
	else if (has_token(r->line + sizeof(connection) - 1, "keep-alive"))
		r->close = false;
}

/* One complete line, without its end. */
static enum http_result
take_line(struct http_response *r)
{
	if (r->status == 0)
		return parse_status(r) ? HTTP_MORE : HTTP_BAD;
	if (r->line_length > 0) {
		parse_field(r);
		return HTTP_MORE;
	}
	if (r->status >= 200)
		return HTTP_DONE;
	r->status = 0; /* informational: the real one follows */
	return HTTP_MORE;
}

static enum http_result
take_byte(struct http_response *r, char c)
{
	enum http_result result;

	if (++r->head_length > HTTP_HEAD_MAX)
		return HTTP_BAD;
	if (c != '\n') {
		if (r->line_length < sizeof(r->line) - 1)
			r->line[r->line_length++] = c;
		return HTTP_MORE;
	}
	if (r->line_length > 0 && r->line[r->line_length - 1] == '\r')
		r->line_length--;
	r->line[r->line_length] = '\0';
	result = take_line(r);
	r->line_length = 0;
	return result;
}

enum http_result
http_feed(struct http_response *r, const char *data, size_t length, size_t *used)
{
	enum http_result result = HTTP_MORE;
	size_t i;

	for (i = 0; i < length && result == HTTP_MORE; i++)
		result = take_byte(r, data[i]);
	*used = i;
	return result;
}
