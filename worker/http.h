/* SPDX-License-Identifier: ISC */
/*
 * As much of HTTP/1.1 (RFC 9112) as a keep-alive needs: a HEAD request, and the
 * head of its response.  No I/O.
 */
#ifndef HTTP_H
#define HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HTTP_REQUEST_SIZE 512
/* A response head longer than this is refused. */
#define HTTP_HEAD_MAX 16384
/* What a server promises beyond this counts as this. */
#define HTTP_PROMISE_MAX 1000000

/* Writes a HEAD request for "/" to host, which is "name" or "name:port".
 * Returns its length. */
size_t http_build_head(char out[HTTP_REQUEST_SIZE], const char *host);

/* The head of a response, read line by line; start with all zero. */
struct http_response {
	char line[128]; /* the line being read; what does not fit is not looked at */
	size_t line_length;
	size_t head_length;
	int status;     /* 100 to 599; 0: the status line has not been read yet */
	bool close;     /* the server announced that it closes the connection */
	/* The Keep-Alive field (RFC 2068, 19.7.1.1, and its parameters as servers send them). */
	int32_t keep_alive_timeout; /* seconds of idleness that the server bears; 0: not told */
	int32_t keep_alive_max;     /* requests that it still takes; -1: not told, known with the status line */
};

enum http_result {
	HTTP_MORE, /* the head is not complete */
	HTTP_DONE, /* it is; *used bytes of the data were part of it */
	HTTP_BAD,  /* this is not HTTP, or a head without end */
};

/* Feeds length bytes.  Informational responses (1xx) are passed over. */
enum http_result http_feed(struct http_response *r, const char *data, size_t length, size_t *used);

#endif
