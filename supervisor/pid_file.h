/* SPDX-License-Identifier: ISC */
/*
 * The file with natterd's pid, locked as long as natterd runs: there is one of each.
 */
#ifndef PID_FILE_H
#define PID_FILE_H

/* Takes the pid file, which another natterd may not have that lives, and writes our pid.  Makes its directory if it is
 * absent.  What is there must be a regular file of root's or our own: no symbolic link is followed, and
 * nobody else may write a pid for us.  Returns 0, or -1 with the error logged. */
int pid_file_take(const char *path);

/* If it was taken, and is still that file. */
void pid_file_remove(void);

#endif
