/* SPDX-License-Identifier: ISC */
/*
 * A small STUN server for the lab's tests, over TCP and UDP.
 *
 *     witness ADDRESS:PORT [LIE|- [OTHER]]
 *
 * It tells everybody the address that it sees, or always the same one: LIE.  It ignores
 * every attribute of a request, also if it claims to have the alternate address OTHER.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "addr.h"

#define REQUEST_SIZE 20
#define ADDRESS_SIZE 12 /* an attribute with an IPv4 address */
#define RESPONSE_MAX (REQUEST_SIZE + 2 * ADDRESS_SIZE)
#define XOR_MAPPED_ADDRESS 0x0020
#define OTHER_ADDRESS 0x802c

static struct addr lie, other; /* unset: none */

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

static size_t
put_address(uint8_t *out, uint16_t type, const struct sockaddr_in *value)
{
	const uint8_t head[] = {(uint8_t)(type >> 8), (uint8_t)type, 0, ADDRESS_SIZE - 4, 0, 1};

	memcpy(out, head, sizeof(head));
	memcpy(out + 6, &value->sin_port, 2);
	memcpy(out + 8, &value->sin_addr, 4);
	return ADDRESS_SIZE;
}

/* A success response (RFC 8489, 14.2 and RFC 5780, 7.4); returns its length. */
static size_t
answer(const uint8_t request[REQUEST_SIZE], const struct sockaddr_in *seen, uint8_t response[RESPONSE_MAX])
{
	const uint8_t *cookie = request + 4;
	size_t length = REQUEST_SIZE, i;

	memcpy(response, request, REQUEST_SIZE);
	length += put_address(response + length, XOR_MAPPED_ADDRESS, addr_is_set(&lie) ? &lie.v4 : seen);
	for (i = 0; i < 6; i++)
		response[REQUEST_SIZE + 6 + i] ^= cookie[i < 2 ? i : i - 2];
	if (addr_is_set(&other))
		length += put_address(response + length, OTHER_ADDRESS, &other.v4);
	response[0] = response[1] = 1;
	response[2] = 0;
	response[3] = (uint8_t)(length - REQUEST_SIZE);
	return length;
}

static void
serve_datagram(int fd)
{
	uint8_t request[1500], response[RESPONSE_MAX];
	struct sockaddr_in from;
	socklen_t length = sizeof(from);

	if (recvfrom(fd, request, sizeof(request), 0, (struct sockaddr *)&from, &length) < REQUEST_SIZE)
		return;
	sendto(fd, response, answer(request, &from, response), 0, (struct sockaddr *)&from, length);
}

static void
serve_connection(int listener)
{
	struct timeval patience = {.tv_sec = 1};
	uint8_t request[REQUEST_SIZE], response[RESPONSE_MAX];
	struct sockaddr_in from;
	socklen_t length = sizeof(from);
	int fd = accept(listener, (struct sockaddr *)&from, &length);

	if (fd < 0)
		return;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	if (recv(fd, request, sizeof(request), MSG_WAITALL) == REQUEST_SIZE)
		send(fd, response, answer(request, &from, response), MSG_NOSIGNAL);
	close(fd);
}

static struct addr
parse(const char *text)
{
	struct addr a;

	if (addr_parse(text, 3478, &a) == 0 && a.sa.sa_family == AF_INET)
		return a;
	fprintf(stderr, "usage: witness ADDRESS:PORT [LIE|- [OTHER]], all IPv4\n");
	exit(2);
}

int
main(int argc, char **argv)
{
	struct pollfd fds[2];
	struct addr at = parse(argc >= 2 && argc <= 4 ? argv[1] : "");

	if (argc >= 3 && strcmp(argv[2], "-") != 0)
		lie = parse(argv[2]);
	if (argc == 4)
		other = parse(argv[3]);
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
