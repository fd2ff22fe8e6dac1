/* SPDX-License-Identifier: ISC */
/*
 * Seccomp; see filter.h.  The names of system calls are those of all
 * architectures: libseccomp leaves out what there is none of.
 */
#include "filter.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <seccomp.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "alloc.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Whatever the arguments are. */
static const int calls[] = {
    SCMP_SYS(accept4), SCMP_SYS(brk), SCMP_SYS(clock_gettime), SCMP_SYS(clock_gettime64), SCMP_SYS(close),
    SCMP_SYS(connect), SCMP_SYS(epoll_create1), SCMP_SYS(epoll_ctl), SCMP_SYS(epoll_pwait), SCMP_SYS(epoll_pwait2),
    SCMP_SYS(epoll_wait), SCMP_SYS(exit), SCMP_SYS(exit_group), SCMP_SYS(futex), SCMP_SYS(futex_time64),
    SCMP_SYS(getpeername), SCMP_SYS(getpid), SCMP_SYS(getrandom), SCMP_SYS(getsockname), SCMP_SYS(getsockopt),
    SCMP_SYS(gettid), SCMP_SYS(gettimeofday), SCMP_SYS(listen), SCMP_SYS(madvise), SCMP_SYS(mremap),
    SCMP_SYS(munmap), SCMP_SYS(pipe2), SCMP_SYS(poll), SCMP_SYS(ppoll), SCMP_SYS(ppoll_time64), SCMP_SYS(read),
    SCMP_SYS(readv), SCMP_SYS(recv), SCMP_SYS(recvfrom), SCMP_SYS(recvmmsg), SCMP_SYS(recvmmsg_time64),
    SCMP_SYS(recvmsg), SCMP_SYS(restart_syscall), SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn),
    SCMP_SYS(shutdown), SCMP_SYS(sigreturn), SCMP_SYS(splice), SCMP_SYS(sysinfo), SCMP_SYS(time), SCMP_SYS(write),
    SCMP_SYS(writev),
};

static const int fcntls[] = {F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_GETPIPE_SZ, F_SETPIPE_SZ};
static const int ioctls[] = {FIONREAD, SIOCATMARK, TIOCOUTQ};

/* SO_REUSEPORT is not among them: nobody's ports can be joined. */
static const struct {
	int level;
	int option;
} options[] = {
    {SOL_SOCKET, SO_KEEPALIVE}, {SOL_SOCKET, SO_LINGER}, {SOL_SOCKET, SO_RCVBUF},
    {IPPROTO_TCP, TCP_KEEPCNT}, {IPPROTO_TCP, TCP_KEEPIDLE}, {IPPROTO_TCP, TCP_KEEPINTVL}, {IPPROTO_TCP, TCP_NODELAY},
    {IPPROTO_UDP, UDP_GRO},
    {IPPROTO_IP, IP_PKTINFO}, {IPPROTO_IP, IP_RECVERR}, {IPPROTO_IP, IP_TTL},
    {IPPROTO_IPV6, IPV6_RECVPKTINFO},
};

static const int families[] = {AF_INET, AF_INET6};
static const int types[] = {SOCK_STREAM, SOCK_DGRAM};

/* Each adds rules to those of ctx; 0, or a negative errno. */

static int
allow_calls(scmp_filter_ctx ctx)
{
	int result = 0;
	size_t i;

	for (i = 0; i < COUNT(calls) && result == 0; i++)
		result = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, calls[i], 0);
	return result;
}

static int
allow_second(scmp_filter_ctx ctx, int call, const int *values, size_t count)
{
	int result = 0;
	size_t i;

	for (i = 0; i < count && result == 0; i++)
		result = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, call, 1,
		    SCMP_A1_32(SCMP_CMP_EQ, (uint32_t)values[i], 0));
	return result;
}

static int
allow_options(scmp_filter_ctx ctx)
{
	int result = 0;
	size_t i;

	for (i = 0; i < COUNT(options) && result == 0; i++)
		result = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(setsockopt), 2,
		    SCMP_A1_32(SCMP_CMP_EQ, (uint32_t)options[i].level, 0),
		    SCMP_A2_32(SCMP_CMP_EQ, (uint32_t)options[i].option, 0));
	return result;
}

static int
allow_sockets(scmp_filter_ctx ctx)
{
	int result = 0;
	size_t i, j;

	for (i = 0; i < COUNT(families); i++)
		for (j = 0; j < COUNT(types) && result == 0; j++)
			result = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(socket), 3,
			    SCMP_A0_32(SCMP_CMP_EQ, (uint32_t)families[i], 0),
			    SCMP_A1_32(SCMP_CMP_MASKED_EQ, ~(uint32_t)(SOCK_CLOEXEC | SOCK_NONBLOCK), (uint32_t)types[j]),
			    SCMP_A2_32(SCMP_CMP_EQ, 0, 0));
	return result;
}

/* With MSG_FASTOPEN they connect, and Landlock does not look (fence.h). */
static int
allow_sending(scmp_filter_ctx ctx)
{
	const struct scmp_arg_cmp third = SCMP_A2_32(SCMP_CMP_MASKED_EQ, MSG_FASTOPEN, 0);
	const struct scmp_arg_cmp fourth = SCMP_A3_32(SCMP_CMP_MASKED_EQ, MSG_FASTOPEN, 0);
	int result = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(sendmsg), 1, third);

	if (result == 0)
		result = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(send), 1, fourth);
	if (result == 0)
		result = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(sendto), 1, fourth);
	if (result == 0)
		result = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(sendmmsg), 1, fourth);
	return result;
}

static int
allow_memory(scmp_filter_ctx ctx)
{
	static const int memory[] = {SCMP_SYS(mmap), SCMP_SYS(mmap2), SCMP_SYS(mprotect)};
	int result = 0;
	size_t i;

	for (i = 0; i < COUNT(memory) && result == 0; i++)
		result = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, memory[i], 1, SCMP_A2_32(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	return result;
}

static int
build(scmp_filter_ctx ctx)
{
	int result = allow_calls(ctx);

	if (result == 0)
		result = allow_second(ctx, SCMP_SYS(fcntl), fcntls, COUNT(fcntls));
	if (result == 0)
		result = allow_second(ctx, SCMP_SYS(fcntl64), fcntls, COUNT(fcntls));
	if (result == 0)
		result = allow_second(ctx, SCMP_SYS(ioctl), ioctls, COUNT(ioctls));
	if (result == 0)
		result = allow_options(ctx);
	if (result == 0)
		result = allow_sockets(ctx);
	if (result == 0)
		result = allow_sending(ctx);
	if (result == 0)
		result = allow_memory(ctx);
	return result;
}

/* Linux before 4.14 ends threads alone; a worker has one. */
static scmp_filter_ctx
begin(void)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_KILL_PROCESS);

	return ctx != NULL ? ctx : seccomp_init(SCMP_ACT_KILL_THREAD);
}

int
filter_calls(void)
{
	scmp_filter_ctx ctx = begin();
	int result;

	if (ctx == NULL) {
		errno = ENOSYS;
		return -1;
	}
	/* The relay's calls must stay cheap: the filter is a tree where libseccomp can make one, and
	 * on kernels before 5.16 it would slow down speculation, which no foreign code here abuses. */
	(void)seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	(void)seccomp_attr_set(ctx, SCMP_FLTATR_CTL_SSB, 1);
	result = build(ctx);
	if (result == 0)
		result = seccomp_load(ctx);
	seccomp_release(ctx);
	alloc_give_back(); /* to build it took more than all the rest of an idle worker */
	errno = -result;
	return result == 0 ? 0 : -1;
}
