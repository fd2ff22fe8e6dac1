/* SPDX-License-Identifier: ISC */
/*
 * Asking natterd; see natterctl_ask.h.
 */
#include "natterctl_ask.h"

#include <bsd/string.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "monotonic.h"
#include "table.h"

/* A thousand mappings have 3 MB.  Memory is taken as it is filled. */
#define ANSWER_MAX (64UL * 1024 * 1024)

int
natterctl_fail(const char *path, int error)
{
	/* What a blocking socket with a time limit calls it. */
	if (error == EAGAIN)
		error = ETIMEDOUT;
	fprintf(stderr, "natterctl: no natterd answers at %s: %s.\n", path, strerror(error));
	if (error == EACCES)
		fprintf(stderr, "Only root and members of the socket's group may ask.\n");
	else
		fprintf(stderr, "Is natterd running? If its control socket is elsewhere, name it with -s.\n");
	return NATTERCTL_NO_DAEMON;
}

/* Returns -1, with the errno of what failed before. */
static int
close_failed(int fd)
{
	int error = errno;

	close(fd);
	errno = error;
	return -1;
}

static int
open_socket(const char *path, unsigned int seconds)
{
	const struct timeval patience = {.tv_sec = seconds};
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	int fd;

	if (strlcpy(name.sun_path, path, sizeof(name.sun_path)) >= sizeof(name.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) == 0 &&
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) == 0 &&
	    connect(fd, (const struct sockaddr *)&name, sizeof(name)) == 0)
		return fd;
	return close_failed(fd);
}

static int
write_request(int fd, const char *command, const char *key, const char *value)
{
	struct json_object *request = json_object_new_object();
	char *line = NULL;
	int length, result;

	json_object_object_add(request, "command", json_object_new_string(command));
	if (value != NULL)
		json_object_object_add(request, key, json_object_new_string(value));
	length = asprintf(&line, "%s\n", json_object_to_json_string_ext(request, JSON_C_TO_STRING_PLAIN));
	json_object_put(request);
	if (length < 0)
		return -1;
	result = send(fd, line, (size_t)length, MSG_NOSIGNAL) == length ? 0 : -1;
	free(line);
	return result;
}

/* Waits until there is more, or for the deadline: 0, or -1 with errno. */
static int
wait_for_more(int fd, int64_t deadline)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	int64_t left = deadline - monotonic_milliseconds();
	int n = poll(&p, 1, left > 0 ? (int)left : 0);

	if (n == 0)
		errno = ETIMEDOUT;
	return n > 0 ? 0 : -1;
}

/* Reads until the buffer of size bytes has a line, which it terminates: 0, or -1 with errno.
 * Whoever answers may be anybody: neither byte by byte nor without end. */
static int
receive_line(int fd, int64_t deadline, char *line, size_t size)
{
	size_t length = 0;
	char *end;
	ssize_t n;

	while (length < size) {
		if (wait_for_more(fd, deadline) < 0)
			return -1;
		n = read(fd, line + length, size - length);
		if (n == 0)
			errno = ECONNRESET;
		if (n <= 0)
			return -1;
		end = memchr(line + length, '\n', (size_t)n);
		if (end != NULL) {
			*end = '\0';
			return 0;
		}
		length += (size_t)n;
	}
	errno = EMSGSIZE;
	return -1;
}

/* The answer's line as an object; NULL with errno. */
static struct json_object *
receive_answer(int fd, unsigned int seconds)
{
	int64_t deadline = monotonic_milliseconds() + (int64_t)seconds * 1000;
	char *line = malloc(ANSWER_MAX);
	struct json_object *answer = NULL;
	int error = line == NULL || receive_line(fd, deadline, line, ANSWER_MAX) < 0 ? errno : 0;

	if (error == 0) {
		answer = json_tokener_parse(line);
		error = EPROTO;
	}
	free(line);
	if (json_object_is_type(answer, json_type_object))
		return answer;
	json_object_put(answer);
	errno = error;
	return NULL;
}

/* Of a natter.cfg that is refused. */
static void
print_mistakes(struct json_object *answer)
{
	struct json_object *list;
	const char *mistake;
	size_t i;

	if (!json_object_object_get_ex(answer, "mistakes", &list) || !json_object_is_type(list, json_type_array))
		return;
	for (i = 0; i < json_object_array_length(list); i++) {
		mistake = json_object_get_string(json_object_array_get_idx(list, i));
		table_put_text(stderr, mistake != NULL ? mistake : "", 0);
		fputc('\n', stderr);
	}
}

int
natterctl_check_answer(struct json_object *answer, const char *value)
{
	struct json_object *member;
	const char *error = NULL;

	if (json_object_object_get_ex(answer, "ok", &member) && json_object_get_boolean(member))
		return NATTERCTL_OK;
	if (json_object_object_get_ex(answer, "error", &member))
		error = json_object_get_string(member);
	print_mistakes(answer);
	fputs("natterctl: ", stderr);
	if (value != NULL)
		fprintf(stderr, "%s: ", value);
	table_put_text(stderr, error != NULL ? error : "natterd refused and did not say why", 0);
	fputc('\n', stderr);
	return NATTERCTL_REFUSED;
}

int
natterctl_send_request(const char *path, const char *command, const char *key, const char *value,
    unsigned int seconds)
{
	int fd = open_socket(path, seconds);

	if (fd < 0 || write_request(fd, command, key, value) == 0)
		return fd;
	return close_failed(fd);
}

int
natterctl_ask(const char *path, const char *command, const char *key, const char *value, unsigned int seconds,
    struct json_object **answer)
{
	int fd = natterctl_send_request(path, command, key, value, seconds), result;

	*answer = NULL;
	if (fd < 0)
		return natterctl_fail(path, errno);
	*answer = receive_answer(fd, seconds);
	result = *answer != NULL ? natterctl_check_answer(*answer, value) : natterctl_fail(path, errno);
	close(fd);
	if (result != NATTERCTL_OK) {
		json_object_put(*answer);
		*answer = NULL;
	}
	return result;
}
