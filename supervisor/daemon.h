/* SPDX-License-Identifier: ISC */
/*
 * Going into the background.  The command that started natterd returns only when
 * the service is up, or with the real error.
 */
#ifndef DAEMON_H
#define DAEMON_H

/* Forks; the parent waits for daemon_ready or our end, and exits with 0 or 1.
 * Only the child returns, in a session of its own, still with its terminal. */
void daemon_start(void);

/* Lets the terminal go: from now on there is only the log.  Does nothing in the
 * foreground. */
void daemon_leave_terminal(void);

/* Tells the waiting parent, if there is one, that the service is up. */
void daemon_ready(void);

#endif
