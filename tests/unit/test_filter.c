/* SPDX-License-Identifier: ISC */
/*
 * What a worker cannot do any more: each in a process of its own, which must end by SIGSYS.
 * NEEDS: worker/filter
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "filter.h"

static int
tcp_socket(void)
{
	return socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

static void
try_open(void)
{
	(void)open("/dev/null", O_RDONLY);
}

static void
try_bind(void)
{
	struct sockaddr_in any = {.sin_family = AF_INET};

	(void)bind(tcp_socket(), (struct sockaddr *)&any, sizeof(any));
}

static void
try_fork(void)
{
	(void)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
}

static void
try_execute(void)
{
	char *const arguments[] = {NULL};

	(void)execve("/bin/true", arguments, arguments);
}

static void
try_unix(void)
{
	(void)socket(AF_UNIX, SOCK_STREAM, 0);
}

static void
try_raw(void)
{
	(void)socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);
}

static void
try_ping(void)
{
	(void)socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP);
}

static void
try_netlink(void)
{
	(void)socket(AF_NETLINK, SOCK_DGRAM, 0);
}

static void
try_join_port(void)
{
	int on = 1;

	(void)setsockopt(tcp_socket(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
}

static void
try_code(void)
{
	(void)mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void
try_trace(void)
{
	(void)ptrace(PTRACE_ATTACH, getppid(), NULL, NULL);
}

static void
try_kill(void)
{
	(void)kill(1, 0);
}

static void
try_ring(void)
{
	(void)syscall(SYS_io_uring_setup, 1, NULL);
}

/* Connections that Landlock does not see. */
static struct sockaddr_in nobody = {.sin_family = AF_INET, .sin_addr.s_addr = 0x0100007f, .sin_port = 1};
static struct mmsghdr messages = {.msg_hdr = {.msg_name = &nobody, .msg_namelen = sizeof(nobody)}};

static void
try_send_to(void)
{
	(void)sendto(tcp_socket(), "", 0, MSG_FASTOPEN | MSG_NOSIGNAL, (struct sockaddr *)&nobody, sizeof(nobody));
}

static void
try_send_message(void)
{
	(void)sendmsg(tcp_socket(), &messages.msg_hdr, MSG_NOSIGNAL | MSG_FASTOPEN);
}

static void
try_send_messages(void)
{
	(void)sendmmsg(tcp_socket(), &messages, 1, MSG_FASTOPEN);
}

/* What workers do. */
static void
try_usual(void)
{
	int pipe_fds[2], fd = tcp_socket(), on = 1, fds = epoll_create1(EPOLL_CLOEXEC);

	if (fd < 0 || fds < 0 || setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) < 0 ||
	    pipe2(pipe_fds, O_NONBLOCK) < 0 || fcntl(pipe_fds[1], F_GETPIPE_SZ) <= 0 || listen(fd, 1) < 0)
		_exit(2);
	if (send(fd, "", 0, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0 || errno != EPIPE)
		_exit(2);
	free(malloc(10000000));
}

static int
end_of(void (*attempt)(void))
{
	pid_t pid = fork();
	int status = 0;

	if (pid == 0) {
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || filter_calls() < 0)
			_exit(3);
		attempt();
		_exit(0);
	}
	CHECK(pid > 0 && waitpid(pid, &status, 0) == pid);
	return status;
}

int
main(void)
{
	static void (*const forbidden[])(void) = {try_open, try_bind, try_fork, try_execute, try_unix, try_raw, try_ping,
	    try_netlink, try_join_port, try_code, try_trace, try_kill, try_ring, try_send_to,
	    try_send_message, try_send_messages};
	int status;
	size_t i;

#ifdef __SANITIZE_ADDRESS__
	return check_done(); /* a sanitizer does some of it itself */
#endif
	for (i = 0; i < sizeof(forbidden) / sizeof(forbidden[0]); i++) {
		status = end_of(forbidden[i]);
		CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
		if (!WIFSIGNALED(status))
			fprintf(stderr, "attempt %zu was let through\n", i);
	}
	CHECK(end_of(try_usual) == 0);
	return check_done();
}
