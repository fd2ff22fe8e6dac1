/* SPDX-License-Identifier: ISC */
/*
 * Default paths; see paths.h.
 */
#include "paths.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const char *
own_dir(const char *variable, const char *system_dir, char buf[PATH_MAX])
{
	const char *base = getenv(variable), *home = getenv("HOME");

	if (geteuid() == 0)
		snprintf(buf, PATH_MAX, "%s", system_dir);
	else if (base != NULL && base[0] == '/')
		snprintf(buf, PATH_MAX, "%s/natter", base);
	else
		snprintf(buf, PATH_MAX, "%s/.natter", home != NULL ? home : "");
	return buf;
}

const char *
paths_run_dir(char buf[PATH_MAX])
{
	return own_dir("XDG_RUNTIME_DIR", RUNDIR, buf);
}

const char *
paths_state_dir(char buf[PATH_MAX])
{
	return own_dir("XDG_STATE_HOME", STATEDIR, buf);
}

static const char *
in_run_dir(const char *name, char buf[PATH_MAX])
{
	char dir[PATH_MAX];

	/* A path that is too long is cut, and using it then fails with its name. */
	if (snprintf(buf, PATH_MAX, "%s/%s", paths_run_dir(dir), name) >= PATH_MAX)
		buf[PATH_MAX - 1] = '\0';
	return buf;
}

const char *
paths_control_socket(char buf[PATH_MAX])
{
	return in_run_dir("natter.sock", buf);
}

const char *
paths_pid_file(char buf[PATH_MAX])
{
	return in_run_dir("natterd.pid", buf);
}
