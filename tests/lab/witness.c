/* SPDX-License-Identifier: ISC */
/*
 * A small STUN server for the lab's tests, over TCP and UDP.
 *
 *     witness ADDRESS:PORT [LIE]
 *
 * It tells everybody the address that it sees, or always the same address: LIE.  It
 * has no alternate address and ignores every attribute of a request.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "addr.h"

#define REQUEST_SIZE 20
#define RESPONSE_SIZE 32

static struct addr lie; /* unset: none */

static void
die(const char *what)
{
	fprintf(stderr, "witness: %s: %s\n", what, strerror(errno));
	exit(2);
}

static int
open_socket(const struct addr *at, int type)
{
	int on = 1, fd = socket(AF_INET, type, 0);

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
	    bind(fd, &at->sa, addr_len(at)) < 0 || (type == SOCK_STREAM && listen(fd, 10) < 0))
		die("bind");
	return fd;
}

/* A success response with XOR-MAPPED-ADDRESS (RFC 8489, 14.2). */
static void
answer(const uint8_t request[REQUEST_SIZE], const struct sockaddr_in *seen, uint8_t response[RESPONSE_SIZE])
{
	static const uint8_t type_and_length[] = {0x01, 0x01, 0, 12}, attribute[] = {0, 0x20, 0, 8, 0, 1};
	const struct sockaddr_in *told = addr_is_set(&lie) ? &lie.v4 : seen;
	const uint8_t *cookie = request + 4;
	uint8_t *value = response + REQUEST_SIZE + sizeof(attribute);
	int i;

	memcpy(response, request, REQUEST_SIZE);
	memcpy(response, type_and_length, sizeof(type_and_length));
	memcpy(response + REQUEST_SIZE, attribute, sizeof(attribute));
	memcpy(value, &told->sin_port, 2);
	memcpy(value + 2, &told->sin_addr, 4);
	for (i = 0; i < 6; i++)
		value[i] ^= cookie[i < 2 ? i : i - 2];
}

static void
serve_datagram(int fd)
{
	uint8_t request[1500], response[RESPONSE_SIZE];
	struct sockaddr_in from;
	socklen_t length = sizeof(from);

	if (recvfrom(fd, request, sizeof(request), 0, (struct sockaddr *)&from, &length) < REQUEST_SIZE)
		return;
	answer(request, &from, response);
	sendto(fd, response, sizeof(response), 0, (struct sockaddr *)&from, length);
}

static void
serve_connection(int listener)
{
	struct timeval patience = {.tv_sec = 1};
	uint8_t request[REQUEST_SIZE], response[RESPONSE_SIZE];
	struct sockaddr_in from;
	socklen_t length = sizeof(from);
	int fd = accept(listener, (struct sockaddr *)&from, &length);

	if (fd < 0)
		return;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	if (recv(fd, request, sizeof(request), MSG_WAITALL) == REQUEST_SIZE) {
		answer(request, &from, response);
		send(fd, response, sizeof(response), MSG_NOSIGNAL);
	}
	close(fd);
}

int
main(int argc, char **argv)
{
	struct pollfd fds[2];
	struct addr at;

	if (argc < 2 || argc > 3 || addr_parse(argv[1], 3478, &at) < 0 || at.sa.sa_family != AF_INET ||
	    (argc == 3 && (addr_parse(argv[2], 1, &lie) < 0 || lie.sa.sa_family != AF_INET))) {
		fprintf(stderr, "usage: witness ADDRESS:PORT [LIE], both IPv4\n");
		return 2;
	}
	fds[0] = (struct pollfd){.fd = open_socket(&at, SOCK_DGRAM), .events = POLLIN};
	fds[1] = (struct pollfd){.fd = open_socket(&at, SOCK_STREAM), .events = POLLIN};
	while (poll(fds, 2, -1) > 0) {
		if (fds[0].revents != 0)
			serve_datagram(fds[0].fd);
		if (fds[1].revents != 0)
			serve_connection(fds[1].fd);
	}
	die("poll");
}
