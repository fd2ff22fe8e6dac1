/* SPDX-License-Identifier: ISC */
/*
 * Looking one name up; see lookup.h.
 */
#include "lookup.h"

#include <netdb.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "child.h"
#include "rights.h"

/* A resolver's own time-outs end below this; a child that hangs longer is killed. */
#define CHILD_SECONDS 60

_Static_assert(sizeof(struct lookup_answer) <= 512,
    "POSIX: a write of up to 512 bytes to a pipe is never mixed with another");

/* Half of the room for each family, or many of one would push the other out. */
static void
keep_addresses(struct lookup_answer *answer, const struct addrinfo *list)
{
	unsigned int taken[2] = {0, 0};
	const struct addrinfo *a;

	for (a = list; a != NULL; a = a->ai_next) {
		unsigned int *of_family = &taken[a->ai_family == AF_INET6];

		if (*of_family < LOOKUP_ADDRESSES_MAX / 2 &&
		    addr_from_sockaddr(a->ai_addr, &answer->addresses[answer->count]) == 0) {
			answer->count++;
			++*of_family;
		}
	}
}

/* The resolver's libraries open files and sockets of kinds that depend on the system's configuration
 * (nsswitch.conf): there is neither another root directory nor a filter of system calls that fits all. */
static bool
give_up_rights(uid_t uid, gid_t gid)
{
	static const struct rlimit none = {0, 0};

	if (rights_give_up(uid, gid) != NULL)
		return false;
	child_follow_parent(SIGKILL);
	return setrlimit(RLIMIT_NPROC, &none) == 0 && setrlimit(RLIMIT_FSIZE, &none) == 0;
}

/* In the child. */
static void __attribute__((noreturn))
look_up(const char *host, uint32_t id, uid_t uid, gid_t gid)
{
	struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM}, *list = NULL;
	struct lookup_answer answer;

	if (!give_up_rights(uid, gid))
		_exit(EXIT_FAILURE);
	memset(&answer, 0, sizeof(answer));
	answer.id = id;
	alarm(CHILD_SECONDS);
	answer.error = getaddrinfo(host, NULL, &hints, &list);
	keep_addresses(&answer, list);
	_exit(write(CHILD_FD, &answer, sizeof(answer)) == (ssize_t)sizeof(answer) ? EXIT_SUCCESS : EXIT_FAILURE);
}

pid_t
lookup_start(const char *host, uint32_t id, int pipe, uid_t uid, gid_t gid)
{
	pid_t pid = child_fork(pipe);

	if (pid == 0)
		look_up(host, id, uid, gid);
	return pid;
}

static bool
is_sane(const struct lookup_answer *a)
{
	uint32_t i;

	if (a->count > LOOKUP_ADDRESSES_MAX)
		return false;
	for (i = 0; i < a->count; i++)
		if (!addr_is_set(&a->addresses[i]))
			return false;
	return true;
}

int
lookup_read(int pipe, struct lookup_answer *out)
{
	ssize_t n = read(pipe, out, sizeof(*out));

	if (n < 0)
		return 0;
	return n == (ssize_t)sizeof(*out) && is_sane(out) ? 1 : -1;
}
