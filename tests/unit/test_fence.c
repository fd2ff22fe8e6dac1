/* SPDX-License-Identifier: ISC */
/*
 * Behind the fence: each attempt in a process of its own, which ends with the attempt's errno.
 * NEEDS: worker/fence
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "confinement.h"
#include "fence.h"

static struct addr allowed, other; /* somebody listens at both */
static int bound;                  /* not listening yet */
static int inherited;              /* not bound */
static uint32_t held;

static struct addr
listen_somewhere(void)
{
	struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	CHECK(bind(fd, (struct sockaddr *)&any, sizeof(any)) == 0 && listen(fd, 10) == 0);
	return addr_of_socket(fd);
}

static int
connect_by(int type, const struct addr *to)
{
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);

	return connect(fd, &to->sa, addr_len(to)) < 0 ? errno : 0;
}

static int
connect_to_allowed(void)
{
	return fence_lets_through(&allowed) ? connect_by(SOCK_STREAM, &allowed) : EDOM;
}

static int
connect_to_other(void)
{
	return fence_lets_through(&other) ? EDOM : connect_by(SOCK_STREAM, &other);
}

static int
connect_what_was_there(void)
{
	return connect(inherited, &other.sa, addr_len(&other)) < 0 ? errno : 0;
}

/* What Landlock does not see, and the filter of system calls must (test_filter). */
static int
connect_by_sending(void)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	return sendto(fd, "x", 1, MSG_FASTOPEN | MSG_NOSIGNAL, &other.sa, addr_len(&other)) < 0 ? errno : 0;
}

static int
connect_datagrams(void)
{
	return connect_by(SOCK_DGRAM, &other);
}

static int
bind_fresh(void)
{
	struct sockaddr_in any = {.sin_family = AF_INET};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	return bind(fd, (struct sockaddr *)&any, sizeof(any)) < 0 ? errno : 0;
}

static int
listen_where_bound(void)
{
	return listen(bound, 1) < 0 ? errno : 0;
}

/* net_disconnect of net.h. */
static int
disconnect(void)
{
	struct sockaddr none = {.sa_family = AF_UNSPEC};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (connect(fd, &allowed.sa, addr_len(&allowed)) < 0)
		return EDOM;
	return connect(fd, &none, sizeof(none)) < 0 ? errno : 0;
}

static int
open_file(void)
{
	return open("/dev/null", O_RDONLY | O_CLOEXEC) < 0 ? errno : 0;
}

static int
attempt(uint16_t port, int (*what)(void))
{
	pid_t pid = fork();
	int status = 0;

	if (pid == 0) {
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || fence_raise(port) != held)
			_exit(EDOM);
		_exit(what());
	}
	CHECK(pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int
nothing(void)
{
	return 0;
}

static void
test_files(void)
{
	CHECK(attempt(0, nothing) == 0);
	CHECK(attempt(0, open_file) == ((held & CONFINED_FILES) != 0 ? EACCES : 0));
}

static void
test_ports(void)
{
	uint16_t port = addr_port(&allowed);

	CHECK(attempt(port, connect_to_allowed) == 0);
	CHECK(attempt(port, connect_to_other) == EACCES);
	CHECK(attempt(port, connect_what_was_there) == EACCES);
	CHECK(attempt(0, connect_to_other) == EACCES);
	CHECK(attempt(0, connect_to_allowed) == EDOM);
	CHECK(attempt(0, connect_datagrams) == 0);
	CHECK(attempt(port, bind_fresh) == EACCES);
	CHECK(attempt(port, listen_where_bound) == 0);
	CHECK(attempt(port, disconnect) == 0);
	if (attempt(port, connect_by_sending) != 0)
		printf("this kernel's Landlock sees MSG_FASTOPEN\n");
}

int
main(void)
{
	struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	long version = syscall(SYS_landlock_create_ruleset, NULL, 0, 1);

	held = version < 1 ? 0 : version < 4 ? CONFINED_FILES : CONFINED_FILES | CONFINED_PORTS;
	allowed = listen_somewhere();
	other = listen_somewhere();
	inherited = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bound = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	CHECK(bind(bound, (struct sockaddr *)&any, sizeof(any)) == 0);
	CHECK(fence_lets_through(&other));
	test_files();
	if ((held & CONFINED_PORTS) != 0)
		test_ports();
	else
		printf("this kernel's Landlock has version %ld, which knows no ports\n", version);
	return check_done();
}
