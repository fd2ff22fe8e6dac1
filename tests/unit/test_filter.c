/* SPDX-License-Identifier: ISC */
/*
 * What a worker cannot do any more: each in a process of its own, which must end by SIGSYS.
 * NEEDS: worker/filter
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

static uint32_t foreign; /* the filter is made for this architecture, and not loaded; 0: for ours */
static FILE *listing;    /* of that one, as libseccomp prints it */
static bool is_old;      /* this kernel: before 4.14 */

/* In the place of libseccomp's. */
scmp_filter_ctx
seccomp_init(uint32_t action)
{
	scmp_filter_ctx (*init)(uint32_t) = (scmp_filter_ctx(*)(uint32_t))dlsym(RTLD_NEXT, "seccomp_init");
	scmp_filter_ctx ctx = is_old && action == SCMP_ACT_KILL_PROCESS ? NULL : init(action);

	if (foreign != 0)
		CHECK(seccomp_arch_add(ctx, foreign) == 0 && seccomp_arch_remove(ctx, SCMP_ARCH_NATIVE) == 0);
	return ctx;
}

int
seccomp_load(const scmp_filter_ctx ctx)
{
	int (*load)(scmp_filter_ctx) = (int (*)(scmp_filter_ctx))dlsym(RTLD_NEXT, "seccomp_load");

	return foreign != 0 ? seccomp_export_pfc(ctx, fileno(listing)) : load(ctx);
}

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

/* The C library makes some calls by others on other architectures, of which one without its rule would end
 * every worker there. */
static void
test_architectures(void)
{
	static const struct {
		uint32_t arch;
		const char *calls[8];
	} all[] = {
	    {SCMP_ARCH_ARM, {"recv", "send", "mmap2", "fcntl64", "clock_gettime64", "futex_time64", "recvmmsg_time64"}},
	    {SCMP_ARCH_MIPSEL, {"recv", "send", "mmap2", "fcntl64", "clock_gettime64", "futex_time64", "recvmmsg_time64"}},
	    {SCMP_ARCH_PPC64LE, {"recv", "send", "mmap", "fcntl", "epoll_wait"}},
	    {SCMP_ARCH_AARCH64, {"recvfrom", "sendto", "epoll_pwait", "ppoll"}},
	};
	char text[65536], rule[64];
	size_t i, j, length;

	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		foreign = all[i].arch;
		listing = tmpfile();
		CHECK(listing != NULL && filter_calls() == 0);
		rewind(listing);
		length = fread(text, 1, sizeof(text) - 1, listing);
		text[length] = '\0';
		for (j = 0; all[i].calls[j] != NULL; j++) {
			snprintf(rule, sizeof(rule), "syscall \"%s\" ", all[i].calls[j]);
			CHECK(strstr(text, rule) != NULL);
		}
		fclose(listing);
	}
	foreign = 0;
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
	is_old = true;
	status = end_of(try_open);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
	is_old = false;
	test_architectures();
	return check_done();
}
