/* SPDX-License-Identifier: ISC */
/*
 * The umask, the limit of open descriptors and the standard descriptors; see inherited.h.
 */
#include "inherited.h"

#include <fcntl.h>
#include <stdbool.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static struct {
	bool replaced;
	mode_t umask;
	struct rlimit descriptors;
} inherited;

/* 50 mappings need more than the 1024 descriptors of a usual shell only with
 * many control clients and hooks, but a limit in the way helps nobody. */
static void
raise_descriptor_limit(void)
{
	struct rlimit limit = inherited.descriptors;

	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
}

/* What is opened takes the lowest number: the log would go into a socket or the pid file that has become
 * standard error. */
static void
fill_standard_descriptors(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

void
inherited_replace(void)
{
	fill_standard_descriptors();
	inherited.umask = umask(S_IWGRP | S_IWOTH);
	if (getrlimit(RLIMIT_NOFILE, &inherited.descriptors) < 0)
		return;
	inherited.replaced = true;
	raise_descriptor_limit();
}

void
inherited_restore(void)
{
	if (!inherited.replaced)
		return;
	umask(inherited.umask);
	(void)setrlimit(RLIMIT_NOFILE, &inherited.descriptors);
}
