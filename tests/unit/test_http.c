/* SPDX-License-Identifier: ISC */
/*
 * The keep-alive's HTTP: what it asks, and every kind of answer.
 * NEEDS: worker/http
 */
#include "http.h"

#include "check.h"

static struct http_response response;
static size_t used;

static enum http_result
feed(const char *text)
{
	memset(&response, 0, sizeof(response));
	return http_feed(&response, text, strlen(text), &used);
}

/* The same in pieces of one byte. */
static enum http_result
feed_slowly(const char *text)
{
	enum http_result result = HTTP_MORE;

	memset(&response, 0, sizeof(response));
	for (; *text != '\0' && result == HTTP_MORE; text++)
		result = http_feed(&response, text, 1, &used);
	return result;
}

static void
test_request(void)
{
	static const char begin[] = "HEAD / HTTP/1.1\r\nHost: www.example.com:8080\r\n";
	char request[HTTP_REQUEST_SIZE];
	size_t length = http_build_head(request, "www.example.com:8080");

	CHECK(length == strlen(request));
	CHECK(strncmp(request, begin, strlen(begin)) == 0);
	CHECK(strstr(request, "\r\nConnection: keep-alive\r\n") != NULL);
	CHECK_TEXT(request + length - 4, "\r\n\r\n");
}

static void
test_answers(void)
{
	static const char plain[] = "HTTP/1.1 200 OK\r\nServer: x\r\nContent-Length: 612\r\n\r\n";

	CHECK(feed(plain) == HTTP_DONE && response.status == 200 && !response.close && used == strlen(plain));
	CHECK(feed_slowly(plain) == HTTP_DONE && response.status == 200 && !response.close);
	CHECK(feed("HTTP/1.1 200 OK\r\n\r\nbody") == HTTP_DONE && used == 19);
	CHECK(feed("HTTP/1.1 301 Moved\nLocation: /\n\n") == HTTP_DONE && response.status == 301);
	CHECK(feed("HTTP/1.1 200\r\n\r\n") == HTTP_DONE);
	CHECK(feed("HTTP/1.1 200 OK\r\nServer: x\r\n") == HTTP_MORE);
	CHECK(feed("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No\r\n\r\n") == HTTP_DONE && response.status == 204);
}

static void
test_close(void)
{
	CHECK(feed("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n") == HTTP_DONE && response.close);
	CHECK(feed("HTTP/1.1 200 OK\r\nconnection:Upgrade , CLOSE\r\n\r\n") == HTTP_DONE && response.close);
	CHECK(feed("HTTP/1.1 200 OK\r\nConnection: closed\r\n\r\n") == HTTP_DONE && !response.close);
	CHECK(feed("HTTP/1.1 200 OK\r\nX-Connection: close\r\n\r\n") == HTTP_DONE && !response.close);
	CHECK(feed("HTTP/1.0 200 OK\r\n\r\n") == HTTP_DONE && response.close);
	CHECK(feed("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\n") == HTTP_DONE && !response.close);
}

static void
test_nonsense(void)
{
	char line[HTTP_HEAD_MAX];

	CHECK(feed("SSH-2.0-OpenSSH_9\r\n") == HTTP_BAD);
	CHECK(feed("HTTP/2.0 200 OK\r\n\r\n") == HTTP_BAD);
	CHECK(feed("HTTP/1.1 099 Low\r\n\r\n") == HTTP_BAD);
	CHECK(feed("HTTP/1.1 700 High\r\n\r\n") == HTTP_BAD);
	CHECK(feed("\r\n") == HTTP_BAD);
	/* A line of any length is passed over, but not a head without end. */
	memset(line, 'x', sizeof(line));
	line[sizeof(line) - 1] = '\0';
	CHECK(feed("HTTP/1.1 200 OK\r\n") == HTTP_MORE);
	CHECK(http_feed(&response, line, 8000, &used) == HTTP_MORE);
	CHECK(http_feed(&response, "\r\n\r\n", 4, &used) == HTTP_DONE);
	CHECK(feed("HTTP/1.1 200 OK\r\n") == HTTP_MORE);
	CHECK(http_feed(&response, line, sizeof(line), &used) == HTTP_BAD);
}

int
main(void)
{
	test_request();
	test_answers();
	test_close();
	test_nonsense();
	return check_done();
}
