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

/* Does a Keep-Alive field with this value say so, whole and in pieces? */
static bool
promises(const char *value, int32_t timeout, int32_t max)
{
	char text[512];
	bool ok;

	snprintf(text, sizeof(text), "HTTP/1.1 200 OK\r\nKeep-Alive:%s\r\nServer: x\r\n\r\n", value);
	ok = feed(text) == HTTP_DONE && response.keep_alive_timeout == timeout && response.keep_alive_max == max;
	return ok && feed_slowly(text) == HTTP_DONE && response.keep_alive_timeout == timeout &&
	       response.keep_alive_max == max;
}

static void
test_promises(void)
{
	CHECK(feed("HTTP/1.1 200 OK\r\n\r\n") == HTTP_DONE);
	CHECK(response.keep_alive_timeout == 0 && response.keep_alive_max == -1);
	CHECK(promises(" timeout=5, max=99", 5, 99));
	CHECK(promises("max=0,timeout=65", 65, 0));
	CHECK(promises("\t TimeOut = 7 ;x, other=\"1, MAX = 12 ,", 0, 12));
	CHECK(promises(" proxy=1, timeout = 30", 30, -1));
	CHECK(promises(" 115", 0, -1));
	CHECK(promises(" timeout=5, timeout=6", 6, -1));
	CHECK(feed("HTTP/1.1 200 OK\r\nkeep-alive: timeout=5\r\nKEEP-ALIVE: max=3\r\n\r\n") == HTTP_DONE);
	CHECK(response.keep_alive_timeout == 5 && response.keep_alive_max == 3);
	/* What an informational response says is not the real one's. */
	CHECK(feed("HTTP/1.1 100 Continue\r\nKeep-Alive: timeout=5, max=3\r\n\r\nHTTP/1.1 200 OK\r\n\r\n") == HTTP_DONE);
	CHECK(response.keep_alive_timeout == 0 && response.keep_alive_max == -1);
}

static void
test_false_promises(void)
{
	char value[128];

	CHECK(promises("", 0, -1));
	CHECK(promises(" ,,, ,=,", 0, -1));
	CHECK(promises(" timeout, max", 0, -1));
	CHECK(promises(" timeout=, max=", 0, -1));
	CHECK(promises(" timeout=-5, max=-1", 0, -1));
	CHECK(promises(" timeout=+5, max=0x10", 0, -1));
	CHECK(promises(" timeout=5.5, max=1e3", 0, -1));
	CHECK(promises(" timeout=5s, max=9 9", 0, -1));
	CHECK(promises(" timeouts=5, xmax=9, maximum=3", 0, -1));
	CHECK(promises(" timeout=99999999999999999999, max=4294967297", HTTP_PROMISE_MAX, HTTP_PROMISE_MAX));
	CHECK(promises(" timeout=1000001, max=000000000000000000007", HTTP_PROMISE_MAX, 7));
	/* Cut after its first digit it would be another number. */
	memset(value, ' ', sizeof(value));
	snprintf(value + sizeof(((struct http_response *)NULL)->line) - strlen("Keep-Alive:") - strlen("max=1") - 1, 16,
	    "max=100");
	CHECK(promises(value, 0, -1));
	CHECK(feed("HTTP/1.1 200 OK\r\nX-Keep-Alive: timeout=5, max=3\r\n\r\n") == HTTP_DONE);
	CHECK(response.keep_alive_timeout == 0 && response.keep_alive_max == -1);
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
	test_promises();
	test_false_promises();
	test_nonsense();
	return check_done();
}
