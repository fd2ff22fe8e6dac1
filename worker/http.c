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
	r->keep_alive_timeout = 0;
	r->keep_alive_max = -1;
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
parse_connection(struct http_response *r, const char *value)
{
	if (has_token(value, "close"))
		r->close = true;
	else if (has_token(value, "keep-alive"))
		r->close = false;
}

/* If the parameter has this name and a number, takes that. */
static void
parse_parameter(const char *p, const char *name, int32_t *out)
{
	size_t length = strlen(name);
	int32_t value = 0;

	if (strncasecmp(p, name, length) != 0)
		return;
	p += length + strspn(p + length, " \t");
	if (*p++ != '=')
		return;
	p += strspn(p, " \t");
	if (*p < '0' || *p > '9')
		return;
	for (; *p >= '0' && *p <= '9'; p++)
		if (value < HTTP_PROMISE_MAX)
			value = value * 10 + (*p - '0');
	p += strspn(p, " \t");
	if (*p == ',' || *p == '\0')
		*out = value < HTTP_PROMISE_MAX ? value : HTTP_PROMISE_MAX;
}

static void
parse_keep_alive(struct http_response *r, const char *value)
{
	if (r->line_length == sizeof(r->line) - 1)
		return; /* its last number may have been cut */
	for (; *value != '\0'; value += strcspn(value, ",")) {
		value += strspn(value, " \t,");
		parse_parameter(value, "timeout", &r->keep_alive_timeout);
		parse_parameter(value, "max", &r->keep_alive_max);
	}
}

static void
parse_field(struct http_response *r)
{
	static const struct {
		const char *name;
		void (*parse)(struct http_response *r, const char *value);
	} fields[] = {{"connection:", parse_connection}, {"keep-alive:", parse_keep_alive}};
	size_t i, length;

	for (i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		length = strlen(fields[i].name);
		if (strncasecmp(r->line, fields[i].name, length) == 0)
			fields[i].parse(r, r->line + length);
	}
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
