/* SPDX-License-Identifier: ISC */
/*
 * In natter-worker's place: says on standard error what natterd tells it, and speaks with
 * nobody else.
 */
#include <poll.h>
#include <stdio.h>

#include "message.h"

static struct mapping mapping;

static void
take(const struct message *m)
{
	switch (m->kind) {
	case MESSAGE_MAPPING:
		mapping = m->mapping;
		fprintf(stderr, "%s is told: mapping\n", mapping.name);
		return;
	case MESSAGE_SERVERS:
		fprintf(stderr, "%s is told: servers\n", mapping.name);
		return;
	case MESSAGE_DUTY:
		fprintf(stderr, "%s is told: duty %u\n", mapping.name, m->duty.watch);
		return;
	}
}

int
main(void)
{
	struct pollfd readable = {.fd = MESSAGE_WORKER_FD, .events = POLLIN};
	struct message m;

	setvbuf(stderr, NULL, _IOLBF, BUFSIZ); /* others write their lines to the same file */
	while (poll(&readable, 1, -1) == 1 && message_receive(MESSAGE_WORKER_FD, &m) == 1)
		take(&m);
	return 0;
}
