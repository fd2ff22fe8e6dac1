/* SPDX-License-Identifier: ISC */
/*
 * What a hook runs: its command with a mapping's values, and the shell that
 * runs it, cut off from everything of natterd but its log.  Keeps no state.
 */
#ifndef HOOK_COMMAND_H
#define HOOK_COMMAND_H

#include <stdbool.h>
#include <sys/types.h>

#include "hook_settings.h"
#include "service.h"

/* Replaces {field} by the field's value, for words and numbers of record.h's
 * table; everything else stays, "${field}" included.  Outside of quotes the bracket
 * of "[::1]:80" is escaped, unless that is in or behind something that nests, such as
 * "$(".  A value that could mean anything else to the shell is left empty and logged as
 * the bug it is.  Returns a new string. */
char *hook_command_expand(const char *command, const struct service *service);

/* Does command ask which event it is told?  It does if {event}, which is replaced, or the
 * variable's name NATTER_EVENT stands in it. */
bool hook_command_asks_event(const char *command);

/* Starts /bin/sh -c command in its own process group and session, which its guard leads (hook_guard.h), as the
 * account of the settings, with the umask and limits that natterd had at its start, and nothing to read; *output is where its standard output and error come out, to
 * be read without waiting.  Returns the guard's pid, which is the group's, or -1 with errno. */
pid_t hook_command_start(const char *command, char **environment, const char *directory,
    const struct hook_settings *settings, int *output);

#endif
