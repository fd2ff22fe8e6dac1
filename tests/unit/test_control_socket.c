/* SPDX-License-Identifier: ISC */
/*
 * control_socket.c: two that start over the same dead socket.
 * NEEDS: supervisor/control_socket supervisor/files supervisor/way supervisor/stall
 */
#include "control_socket.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

#define PATH "socket"
#define RACES 300

static char directory[] = "/tmp/natter-socket-XXXXXX";

static void
leave_dead_socket(void)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX, .sun_path = PATH};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	CHECK(bind(fd, (struct sockaddr *)&name, sizeof(name)) == 0 && close(fd) == 0);
}

struct race {
	int start[2], end[2]; /* end of file: go */
	int told[2];
};

static void
wait_for(int fd)
{
	char byte;

	if (read(fd, &byte, 1) != 0)
		_exit(1);
}

/* Tells whether it has the socket; ends with 0 if what lies there in the end is its own, or was never to be. */
static void __attribute__((noreturn))
run(const struct race *r)
{
	struct control_socket s;
	struct stat st;
	char won;

	wait_for(r->start[0]);
	won = control_socket_open(&s, PATH, (gid_t)-1) == 0 ? 'y' : 'n';
	if (write(r->told[1], &won, 1) != 1)
		_exit(1);
	wait_for(r->end[0]);
	_exit(won == 'n' || (lstat(PATH, &st) == 0 && st.st_ino == s.inode) ? 0 : 1);
}

static pid_t
begin(const struct race *r)
{
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	close(r->start[1]);
	close(r->end[1]);
	run(r);
}

static int
end_of(pid_t pid)
{
	int status;

	return waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void
test_race(void)
{
	struct race r;
	char answers[2];
	pid_t one, other;

	leave_dead_socket();
	CHECK(pipe2(r.start, O_CLOEXEC) == 0 && pipe2(r.end, O_CLOEXEC) == 0 && pipe2(r.told, O_CLOEXEC) == 0);
	one = begin(&r);
	other = begin(&r);
	close(r.start[1]);
	CHECK(read(r.told[0], &answers[0], 1) == 1 && read(r.told[0], &answers[1], 1) == 1);
	CHECK((answers[0] == 'y') != (answers[1] == 'y'));
	close(r.end[1]);
	CHECK(end_of(one) == 0 && end_of(other) == 0);
	close(r.start[0]);
	close(r.end[0]);
	close(r.told[0]);
	close(r.told[1]);
	CHECK(unlink(PATH) == 0);
}

int
main(void)
{
	int i;

	if (mkdtemp(directory) == NULL || chdir(directory) < 0)
		return 1;
	for (i = 0; i < RACES; i++)
		test_race();
	CHECK(rmdir(directory) == 0);
	return check_done();
}
