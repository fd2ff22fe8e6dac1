/* SPDX-License-Identifier: ISC */
/*
 * Runs a program as on a system that cannot share ports.
 *
 *     no_reuseport PROGRAM [ARGUMENT...]
 *
 * To it and its children setsockopt(SO_REUSEPORT) fails with ENOPROTOOPT, as the
 * kernel answers an option that it does not know.  Needs root.
 */
#include <endian.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The half of a system call's argument that holds an int. */
#define ARGUMENT(n) (offsetof(struct seccomp_data, args[n]) + (BYTE_ORDER == BIG_ENDIAN ? 4 : 0))

int
main(int argc, char **argv)
{
	struct sock_filter filter[] = {
	    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
	    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_setsockopt, 0, 5),
	    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, ARGUMENT(1)),
	    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SOL_SOCKET, 0, 3),
	    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, ARGUMENT(2)),
	    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SO_REUSEPORT, 0, 1),
	    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOPROTOOPT),
	    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {.len = sizeof(filter) / sizeof(filter[0]), .filter = filter};

	if (argc < 2) {
		fprintf(stderr, "usage: no_reuseport PROGRAM [ARGUMENT...]\n");
		return 2;
	}
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0)
		execvp(argv[1], argv + 1);
	fprintf(stderr, "no_reuseport: %s: %s\n", argv[1], strerror(errno));
	return 2;
}
