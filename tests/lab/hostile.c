/* SPDX-License-Identifier: ISC */
/*
 * In natter-worker's place: a worker that a stranger has taken over.  Does its worst for the mappings whose names
 * begin with "evil-", as the rest of the name says (table at the end), and is the real worker, which lies beside it
 * as natter-worker.real, for all others.  It has a worker's user, but no filter of system calls.
 */
#include <bsd/stdlib.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <libgen.h>
#include <limits.h>
#include <linux/filter.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "message.h"

#define FD MESSAGE_WORKER_FD

static struct mapping mapping;
static char self[PATH_MAX];

/* It reads, whatever that is: one that does not is soon found out. */
static void
wait_ms(int milliseconds)
{
	static char record[65536];

	poll(NULL, 0, milliseconds);
	while (recv(FD, record, sizeof(record), MSG_DONTWAIT) > 0)
		;
}

/* A send that waits; natterd's end of us is the end. */
static void
send_record(uint32_t kind, const void *payload, size_t length, int fd)
{
	struct pollfd p = {.fd = FD, .events = POLLOUT};

	while (message_send(FD, (enum message_kind)kind, payload, length, fd) < 0) {
		if (errno == EPERM)
			return; /* this kernel refuses descriptors for natterd */
		if (errno != EAGAIN || poll(&p, 1, -1) < 0)
			exit(0);
	}
}

static struct report
open_report(uint16_t port)
{
	struct report r = {.state = STATE_OPEN, .since = time(NULL), .keep_alive_interval = 15};

	addr_parse("192.168.77.2", addr_port(&mapping.bind), &r.inner);
	addr_parse("203.0.113.99", port, &r.outer);
	return r;
}

static void
report_open(uint16_t port)
{
	struct report r = open_report(port);

	send_record(MESSAGE_REPORT, &r, sizeof(r), -1);
}

static void __attribute__((noreturn))
sleep_for_ever(void)
{
	for (;;)
		wait_ms(100);
}

/* Returns the next socket that came down, or -1. */
static int
ask_socket(enum socket_use use)
{
	struct socket_request request = {.use = use};
	struct message m;

	send_record(MESSAGE_SOCKET, &request, sizeof(request), -1);
	do {
		if (message_receive(FD, &m) != 1)
			exit(0);
	} while (m.kind != MESSAGE_SOCKET);
	return m.fd;
}

/* --- What it does --- */

static void
be_noise(void)
{
	static uint8_t junk[65536];

	for (;;) {
		arc4random_buf(junk, sizeof(junk));
		send_record(arc4random_uniform(12), junk, arc4random_uniform(sizeof(junk)), -1);
	}
}

static void
write_on_terminals(void)
{
	struct report r = open_report(1000);

	strcpy(r.error, "\033]0;owned\007\033[2J");
	r.state = STATE_DEGRADED;
	send_record(MESSAGE_REPORT, &r, sizeof(r), -1);
	sleep_for_ever();
}

static void
forge_log_lines(void)
{
	static const struct log_record r = {.level = 0, .text = "fine\n2026-01-01 00:00:00 error: web: forged"};

	send_record(MESSAGE_LOG, &r, sizeof(r), -1);
	sleep_for_ever();
}

static void
flood_log(void)
{
	struct log_record r = {.level = 1};
	unsigned int n;

	report_open(1000);
	for (n = 0;; n++) {
		snprintf(r.text, sizeof(r.text), "%u %%s%%n%%s%%n", n);
		send_record(MESSAGE_LOG, &r, offsetof(struct log_record, text) + strlen(r.text) + 1, -1);
	}
}

static void
flood_reports(void)
{
	uint16_t port;

	for (port = 1024;; port = (uint16_t)(port == 65535 ? 1024 : port + 1))
		report_open(port);
}

/* Not fast enough to be caught at it. */
static void
flap(void)
{
	struct report r = open_report(1024);

	for (;; wait_ms(20)) {
		addr_set_port(&r.outer, (uint16_t)(addr_port(&r.outer) == 65535 ? 1024 : addr_port(&r.outer) + 1));
		r.holes_lost++;
		send_record(MESSAGE_REPORT, &r, sizeof(r), -1);
	}
}

static void
boast(void)
{
	struct report r = open_report(1000);

	memset(r.failures, 0xff, sizeof(r.failures));
	r.connections = r.connections_total = r.bytes_in = r.bytes_out = UINT64_MAX;
	r.since = INT64_MAX;
	send_record(MESSAGE_REPORT, &r, sizeof(r), -1);
	sleep_for_ever();
}

/* All servers are bad, all are good, and so on. */
static void
tell_lies(void)
{
	struct server_news news = {0};
	struct message m;
	uint32_t i, round;

	do {
		if (message_receive(FD, &m) != 1)
			exit(0);
	} while (m.kind != MESSAGE_SERVERS);
	report_open(1000);
	for (round = 0;; round++) {
		for (i = 0; i < m.servers.stun_count + m.servers.keep_alive_count; i++) {
			news.addr = i < m.servers.stun_count ? m.servers.stun[i].addr
							      : m.servers.keep_alive[i - m.servers.stun_count].addr;
			news.good = round % 2;
			send_record(MESSAGE_SERVER, &news, sizeof(news), -1);
		}
		wait_ms(50);
	}
}

/* Makes it a connection that whoever closes it last has to wait for. */
static int
make_lingering(int fd)
{
	struct linger long_time = {.l_onoff = 1, .l_linger = 60};
	struct addr a;
	static char much[1 << 20];
	int listener = socket(AF_INET, SOCK_STREAM, 0);

	addr_parse("127.0.0.1", 0, &a);
	if (bind(listener, &a.sa, addr_len(&a)) < 0 || listen(listener, 1) < 0)
		exit(2);
	a = addr_of_socket(listener);
	(void)connect(fd, &a.sa, addr_len(&a));
	wait_ms(10);
	while (send(fd, much, sizeof(much), 0) > 0)
		;
	(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &long_time, sizeof(long_time));
	return fd;
}

static void
pass_descriptors(void)
{
	struct report r = open_report(1000);
	int i, fd;

	send_record(MESSAGE_REPORT, &r, sizeof(r), -1);
	for (i = 0; i < 20; i++) {
		fd = make_lingering(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
		/* Where the kernel refuses it to natterd it would linger here. */
		if (message_send(FD, MESSAGE_REPORT, &r, sizeof(r), fd) == 0)
			close(fd);
	}
	for (fd = open("/dev/zero", O_RDONLY);; wait_ms(1))
		send_record(MESSAGE_LOG, "", 0, fd);
}

/* As many as one message can have. */
static void
pass_many(void)
{
	static union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(sizeof(int) * 253)];
	} control;
	uint32_t kind = MESSAGE_REPORT;
	struct iovec part = {&kind, sizeof(kind)};
	struct msghdr msg = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control.buf,
	    .msg_controllen = sizeof(control.buf)};
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
	int i, fd = open("/dev/zero", O_RDONLY);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int) * 253);
	for (i = 0; i < 253; i++)
		memcpy(CMSG_DATA(c) + sizeof(int) * (size_t)i, &fd, sizeof(int));
	for (i = 0; i < 1000; i++)
		(void)sendmsg(FD, &msg, MSG_NOSIGNAL);
	report_open(1000);
	sleep_for_ever();
}

static void
ask_without_end(void)
{
	report_open(1000);
	for (;;)
		(void)ask_socket(SOCKET_FRESH);
}

static void
ask_without_reading(void)
{
	struct socket_request request = {.use = SOCKET_KEEP};

	report_open(1000);
	for (;;)
		send_record(MESSAGE_SOCKET, &request, sizeof(request), -1);
}

/* Natterd holds a few of these, and closes the oldest for the next one. */
static void
leave_lingering(void)
{
	report_open(1000);
	for (;; wait_ms(50))
		close(make_lingering(ask_socket(SOCKET_KEEP)));
}

static void
hang(void)
{
	report_open(1000);
	raise(SIGSTOP);
	sleep_for_ever();
}

static void
close_and_live(void)
{
	close(FD);
	sleep_for_ever();
}

static void
die(void)
{
	exit(0);
}

static void
stay(void)
{
	report_open(1000);
	sleep_for_ever();
}

/* Once; the next life is a good one, which has to live with what this one left. */
static void
poison(void)
{
	struct sock_filter nothing = BPF_STMT(BPF_RET | BPF_K, 0);
	struct sock_fprog program = {.len = 1, .filter = &nothing};
	int on = 1, fd = ask_socket(SOCKET_SERVE);
	struct addr own = addr_of_socket(fd);

	report_open(1000);
	(void)setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program));
	(void)setsockopt(fd, SOL_SOCKET, SO_LOCK_FILTER, &on, sizeof(on));
	(void)fcntl(fd, F_SETFL, 0);
	if (mapping.protocol == PROTOCOL_UDP)
		(void)connect(fd, &own.sa, addr_len(&own));
	else
		(void)setsockopt(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, &(int){1000}, sizeof(int));
	wait_ms(100);
	exit(0);
}

static const struct {
	const char *name;
	void (*act)(void);
} acts[] = {
    {"noise", be_noise}, {"escape", write_on_terminals}, {"forge", forge_log_lines}, {"log", flood_log},
    {"reports", flood_reports}, {"flap", flap}, {"boast", boast}, {"lies", tell_lies}, {"pass", pass_descriptors},
    {"many", pass_many}, {"wishes", ask_without_end}, {"deaf", ask_without_reading}, {"linger", leave_lingering},
    {"hang", hang}, {"close", close_and_live}, {"silent", sleep_for_ever}, {"dies", die}, {"stays", stay},
    {"poison", poison},
};

static void __attribute__((noreturn))
be_real(char **argv)
{
	char path[PATH_MAX + 32];

	snprintf(path, sizeof(path), "%s/natter-worker.real", dirname(self));
	execv(path, argv);
	_exit(127);
}

/* A poisoner's second life. */
static bool
has_lived(void)
{
	char path[PATH_MAX + MAPPING_NAME_SIZE];
	char folder[PATH_MAX];
	int fd;

	memcpy(folder, self, sizeof(folder));
	snprintf(path, sizeof(path), "%s/%s.lived", dirname(folder), mapping.name);
	fd = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
	if (fd < 0)
		return true;
	close(fd);
	return false;
}

static void
learn_mapping(void)
{
	uint32_t kind;
	struct iovec parts[] = {{&kind, sizeof(kind)}, {&mapping, sizeof(mapping)}};
	struct msghdr msg = {.msg_iov = parts, .msg_iovlen = 2};

	if (recvmsg(FD, &msg, MSG_PEEK) != (ssize_t)(sizeof(kind) + sizeof(mapping)) || kind != MESSAGE_MAPPING)
		exit(2);
}

int
main(int argc, char **argv)
{
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	size_t i;

	(void)argc;
	if (n <= 0)
		return 2;
	learn_mapping();
	if (strncmp(mapping.name, "evil-", 5) != 0 || (strncmp(mapping.name, "evil-poison", 11) == 0 && has_lived()))
		be_real(argv);
	signal(SIGTERM, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	if (setgroups(0, NULL) < 0 || setresgid(mapping.gid, mapping.gid, mapping.gid) < 0 ||
	    setresuid(mapping.uid, mapping.uid, mapping.uid) < 0)
		return 2;
	for (i = 0; i < sizeof(acts) / sizeof(acts[0]); i++)
		if (strncmp(mapping.name + 5, acts[i].name, strlen(acts[i].name)) == 0)
			acts[i].act();
	return 2;
}
