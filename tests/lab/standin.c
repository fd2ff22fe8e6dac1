/* SPDX-License-Identifier: ISC */
/*
 * In natter-worker's place: writes what natterd tells it into the file told.log beside this
 * program, since natterd gives it no standard error, and speaks with nobody else.  The name of
 * its mapping says what else it does when it knows its servers:
 *
 *     teller...   says that its first keep-alive server failed
 *     liar...     says something of that server that has no meaning
 *     thief...    has its port itself, again and again, when it asks for a socket there
 */
#include <libgen.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "message.h"

static struct mapping mapping;

static void
tell(const struct servers *servers, uint32_t good)
{
	struct server_news news = {.addr = servers->keep_alive[0].addr, .good = good};

	if (message_send(MESSAGE_WORKER_FD, MESSAGE_SERVER, &news, sizeof(news), -1) < 0)
		exit(2);
}

static void
ask_socket(void)
{
	struct socket_request request = {.use = SOCKET_CONNECT};
	struct message m;

	if (message_send(MESSAGE_WORKER_FD, MESSAGE_SOCKET, &request, sizeof(request), -1) < 0)
		exit(2);
	do {
		if (message_receive(MESSAGE_WORKER_FD, &m) != 1)
			exit(2);
	} while (m.kind != MESSAGE_SOCKET);
	fprintf(stderr, "%s is told: %s\n", mapping.name, strerror((int)m.socket_answer.error));
	if (m.fd >= 0)
		close(m.fd);
}

static void
steal_port(void)
{
	int fd, i;

	for (i = 0; i < 5; i++) {
		fd = socket(mapping.bind.sa.sa_family, SOCK_STREAM, 0);
		/* natterd may not have closed its own yet. */
		while (bind(fd, &mapping.bind.sa, addr_len(&mapping.bind)) < 0)
			poll(NULL, 0, 1);
		if (listen(fd, 1) < 0)
			exit(2);
		ask_socket();
		close(fd);
		ask_socket();
	}
}

static void
take_servers(const struct servers *servers)
{
	char text[ADDR_TEXT_SIZE];
	uint32_t i;

	fprintf(stderr, "%s is told: servers", mapping.name);
	for (i = 0; i < servers->keep_alive_count; i++)
		if (servers->keep_alive[i].rest_until != 0)
			fprintf(stderr, ", resting %s", addr_text(&servers->keep_alive[i].addr, text));
	fprintf(stderr, "\n");
	if (strncmp(mapping.name, "teller", 6) == 0)
		tell(servers, 0);
	else if (strncmp(mapping.name, "liar", 4) == 0)
		tell(servers, 2);
	else if (strncmp(mapping.name, "thief", 5) == 0)
		steal_port();
}

static void
take(const struct message *m)
{
	switch (m->kind) {
	case MESSAGE_MAPPING:
		mapping = m->mapping;
		fprintf(stderr, "%s is told: mapping\n", mapping.name);
		return;
	case MESSAGE_SERVERS:
		take_servers(&m->servers);
		return;
	case MESSAGE_DUTY:
		fprintf(stderr, "%s is told: duty %u\n", mapping.name, m->duty.watch);
		return;
	}
}

static void
open_log(void)
{
	char program[PATH_MAX] = "", path[PATH_MAX + sizeof("/told.log")];

	if (readlink("/proc/self/exe", program, sizeof(program) - 1) < 0)
		exit(2);
	snprintf(path, sizeof(path), "%s/told.log", dirname(program));
	if (freopen(path, "a", stderr) == NULL)
		exit(2);
	setvbuf(stderr, NULL, _IOLBF, BUFSIZ); /* others write their lines to the same file */
}

int
main(void)
{
	struct pollfd readable = {.fd = MESSAGE_WORKER_FD, .events = POLLIN};
	struct message m;

	open_log();
	while (poll(&readable, 1, -1) == 1 && message_receive(MESSAGE_WORKER_FD, &m) == 1)
		take(&m);
	return 0;
}
