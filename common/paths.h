/* SPDX-License-Identifier: ISC */
/*
 * Where things are unless natter.cfg or the command line says otherwise.  The
 * Makefile sets the system's directories; a user without root has the same
 * files in a directory of its own.
 */
#ifndef PATHS_H
#define PATHS_H

#include <limits.h>

#ifndef LIBEXECDIR
#define LIBEXECDIR "/usr/local/libexec/natter"
#endif
#ifndef RUNDIR
#define RUNDIR "/run/natter"
#endif
#ifndef STATEDIR
#define STATEDIR "/var/lib/natter"
#endif

#define PATHS_SYSTEM_SOCKET RUNDIR "/natter.sock"

/* RUNDIR as root, else $XDG_RUNTIME_DIR/natter or ~/.natter.  Returns buf. */
const char *paths_run_dir(char buf[PATH_MAX]);
/* STATEDIR as root, else $XDG_STATE_HOME/natter or ~/.natter. */
const char *paths_state_dir(char buf[PATH_MAX]);

/* natter.sock and natterd.pid in the run directory. */
const char *paths_control_socket(char buf[PATH_MAX]);
const char *paths_pid_file(char buf[PATH_MAX]);

#endif
