/* SPDX-License-Identifier: ISC */
/*
 * Printing news; see natterctl_watch.h.
 */
#include "natterctl_watch.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "alloc.h"
#include "natterctl_ask.h"
#include "natterctl_mapping.h"
#include "natterctl_print.h"
#include "table.h"
#include "terminal.h"

/* natterd's lines have a few thousand characters. */
#define LINE_MAX_LENGTH 65536
#define FOREVER (-1)

/* What came from natterd and was not taken yet. */
struct reader {
	int fd;
	size_t length;
	char text[LINE_MAX_LENGTH];
};

/* Until there is something to read, or nobody who reads us: 1, 0 then, or -1 with errno. */
static int
wait_for_input(int fd, int milliseconds)
{
	struct pollfd ends[] = {{.fd = fd, .events = POLLIN}, {.fd = STDOUT_FILENO}};
	int n = poll(ends, 2, milliseconds);

	if (n == 0)
		errno = ETIMEDOUT;
	if (n <= 0)
		return -1;
	return ends[1].revents == 0;
}

/* Takes the line that ends at end off the beginning. */
static struct json_object *
take_line(struct reader *r, char *end)
{
	struct json_object *line;

	*end = '\0';
	line = json_tokener_parse(r->text);
	r->length -= (size_t)(end + 1 - r->text);
	memmove(r->text, end + 1, r->length);
	if (json_object_is_type(line, json_type_object))
		return line;
	json_object_put(line);
	errno = EPROTO;
	return NULL;
}

/* The next line as an object; NULL with errno, which is EPIPE if nobody reads us. */
static struct json_object *
next_line(struct reader *r, int milliseconds)
{
	char *end;
	ssize_t n;
	int ready;

	while ((end = memchr(r->text, '\n', r->length)) == NULL) {
		errno = EPROTO;
		if (r->length == sizeof(r->text))
			return NULL;
		ready = wait_for_input(r->fd, milliseconds);
		if (ready == 0)
			errno = EPIPE;
		if (ready <= 0)
			return NULL;
		n = read(r->fd, r->text + r->length, sizeof(r->text) - r->length);
		if (n == 0)
			errno = ECONNRESET;
		if (n <= 0)
			return NULL;
		r->length += (size_t)n;
	}
	return take_line(r, end);
}

static void
put(const char *before, const char *text)
{
	fputs(before, stdout);
	table_put_text(stdout, text, 0);
}

static void
put_time(struct json_object *line)
{
	time_t t = (time_t)json_object_get_int64(json_object_object_get(line, "time"));
	char when[32] = "-";
	struct tm tm;

	if (localtime_r(&t, &tm) != NULL)
		strftime(when, sizeof(when), "%F %T", &tm);
	put("", when);
}

/* What is so now; what was before only if the event is about the address. */
static void
put_mapping(struct json_object *mapping, const char *event)
{
	const char *outer = natterctl_mapping_text(mapping, "outer"), *old_outer = natterctl_mapping_text(mapping, "old_outer");
	const char *reach = natterctl_mapping_text(mapping, "reach"), *note = natterctl_mapping_note(mapping);
	bool has_old = strcmp(event, natterctl_mapping_text(mapping, "event")) == 0 && old_outer[0] != '\0' &&
		       strcmp(old_outer, outer) != 0;

	put("  ", natterctl_mapping_text(mapping, "state"));
	if (outer[0] != '\0')
		put(" at ", outer);
	if (has_old)
		put(outer[0] != '\0' ? ", was " : ", was at ", old_outer);
	if (outer[0] != '\0' && strcmp(reach, "unknown") != 0)
		put(", ", reach);
	if (note[0] != '\0')
		put(": ", note);
}

static void
print_for_people(struct json_object *line)
{
	struct json_object *mapping = json_object_object_get(line, "mapping");
	const char *event = natterctl_mapping_text(line, "event");
	const char *colour = natterctl_mapping_colour("state", natterctl_mapping_text(mapping, "state"));

	put_time(line);
	put("  ", natterctl_mapping_text(mapping, "name"));
	terminal_begin(stdout, colour);
	put("  ", event);
	terminal_end(stdout, colour);
	if (strcmp(event, "gone") == 0)
		put("  ", "natterd has no such mapping any more");
	else
		put_mapping(mapping, event);
	putchar('\n');
}

/* Returns 0, or -1 if nobody can be told any more. */
static int
print(struct json_object *line, bool json)
{
	if (json)
		natterctl_print_json_line(line);
	else
		print_for_people(line);
	return fflush(stdout) == 0 ? 0 : -1;
}

/* Why there is no further line. */
static int
end(const char *path)
{
	if (errno == EPIPE)
		return NATTERCTL_OK;
	if (errno == EPROTO)
		return natterctl_fail(path, errno);
	fprintf(stderr, "natterctl: the natterd at %s has ended.\n", path);
	return NATTERCTL_NO_DAEMON;
}

static int
watch(struct reader *r, const char *path, const char *name, bool json)
{
	struct json_object *line = next_line(r, NATTERCTL_PATIENCE * 1000);
	int result;

	if (line == NULL)
		return errno == EPIPE ? NATTERCTL_OK : natterctl_fail(path, errno);
	result = natterctl_check_answer(line, name);
	json_object_put(line);
	while (result == NATTERCTL_OK) {
		line = next_line(r, FOREVER);
		if (line == NULL)
			return end(path);
		if (print(line, json) < 0)
			result = NATTERCTL_REFUSED; /* main says that standard output cannot be written */
		json_object_put(line);
	}
	return result;
}

int
natterctl_watch(const char *path, const char *name, bool json)
{
	struct reader *r = alloc_zero(sizeof(*r));
	int result;

	r->fd = natterctl_send_request(path, "watch", "name", name, NATTERCTL_PATIENCE);
	if (r->fd < 0) {
		result = natterctl_fail(path, errno);
	} else {
		result = watch(r, path, name, json);
		close(r->fd);
	}
	free(r);
	return result;
}
