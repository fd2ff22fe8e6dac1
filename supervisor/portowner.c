/* SPDX-License-Identifier: ISC */
/*
 * From a port to sockets (/proc/net), and from these to a process (/proc/PID/fd);
 * see portowner.h.
 */
#include "portowner.h"

#include <ctype.h>
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "text.h"

#define INODES_MAX 32

struct inodes {
	unsigned long list[INODES_MAX];
	size_t count;
};

/* Reads the kernel's form: each 32 bits as they lie in memory, as a number. */
static bool
parse_ip(const char *hex, struct addr *out)
{
	uint32_t *words = strlen(hex) == 8 ? &out->v4.sin_addr.s_addr : (uint32_t *)&out->v6.sin6_addr;
	size_t i, count = strlen(hex) / 8;
	unsigned int word;

	memset(out, 0, sizeof(*out));
	out->sa.sa_family = count == 1 ? AF_INET : AF_INET6;
	for (i = 0; i < count; i++) {
		if (sscanf(hex + 8 * i, "%8x", &word) != 1)
			return false;
		memcpy(&words[i], &word, sizeof(word));
	}
	return count == 1 || count == 4;
}

/* A socket on [::] may have the IPv4 port, too. */
static bool
is_in_the_way(const struct addr *other, const struct addr *wanted)
{
	if (other->sa.sa_family == wanted->sa.sa_family)
		return addr_is_wildcard(other) || addr_is_wildcard(wanted) || addr_same_ip(other, wanted);
	return wanted->sa.sa_family == AF_INET && addr_is_wildcard(other);
}

static void
collect(const char *table, const struct addr *wanted, struct inodes *inodes)
{
	char line[256], ip[33];
	FILE *file = fopen(table, "re");
	unsigned int port;
	unsigned long inode;
	struct addr other;

	if (file == NULL)
		return;
	while (fgets(line, sizeof(line), file) != NULL && inodes->count < INODES_MAX)
		if (sscanf(line, "%*d: %32[0-9A-F]:%4x %*s %*s %*s %*s %*s %*s %*s %lu", ip, &port, &inode) == 3 &&
		    port == addr_port(wanted) && inode != 0 && parse_ip(ip, &other) && is_in_the_way(&other, wanted))
			inodes->list[inodes->count++] = inode;
	fclose(file);
}

static bool
has_one(const char *pid, const struct inodes *inodes)
{
	char path[300], link[64];
	struct dirent *entry;
	unsigned long inode;
	bool found = false;
	ssize_t n;
	size_t i;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%s/fd", pid);
	dir = opendir(path);
	if (dir == NULL)
		return false;
	while (!found && (entry = readdir(dir)) != NULL) {
		n = readlinkat(dirfd(dir), entry->d_name, link, sizeof(link) - 1);
		link[n > 0 ? n : 0] = '\0';
		if (sscanf(link, "socket:[%lu]", &inode) != 1)
			continue;
		for (i = 0; i < inodes->count; i++)
			found = found || inodes->list[i] == inode;
	}
	closedir(dir);
	return found;
}

static void
describe(const char *pid, char *buf, size_t size)
{
	char path[300], name[64] = "a program";
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%s/comm", pid);
	file = fopen(path, "re");
	if (file != NULL) {
		if (fgets(path, sizeof(path), file) != NULL)
			text_copy_printable(name, sizeof(name), path, strcspn(path, "\n"));
		fclose(file);
	}
	snprintf(buf, size, "%s (process %.20s)", name, pid);
}

bool
portowner_find(const struct mapping *mapping, char *buf, size_t size)
{
	bool tcp = mapping->protocol == PROTOCOL_TCP, found = false;
	struct inodes inodes = {.count = 0};
	struct dirent *entry;
	DIR *dir;

	collect(tcp ? "/proc/net/tcp" : "/proc/net/udp", &mapping->bind, &inodes);
	collect(tcp ? "/proc/net/tcp6" : "/proc/net/udp6", &mapping->bind, &inodes);
	if (inodes.count == 0 || (dir = opendir("/proc")) == NULL)
		return false;
	while (!found && (entry = readdir(dir)) != NULL) {
		found = isdigit((unsigned char)entry->d_name[0]) && atol(entry->d_name) != getpid() &&
			has_one(entry->d_name, &inodes);
		if (found)
			describe(entry->d_name, buf, size);
	}
	closedir(dir);
	return found;
}
