/* SPDX-License-Identifier: ISC */
/*
 * Descriptors that another process has, or has sent, can hold natterd up: whoever lets go of a
 * TCP connection last, by close(2), by a receive that drops what was passed along, or by closing a
 * socket in which it still lay, waits for as long as its SO_LINGER says.  A signal ends the wait,
 * and from Linux 6.16 on a socket can refuse to have descriptors passed.
 */
#ifndef STALL_H
#define STALL_H

/* Between these two no system call waits for longer than a moment (50 ms); it may fail with
 * EINTR then.  They are not nested. */
void stall_begin(void);
void stall_end(void);

/* close(2) of what another process has or had, between the two. */
void stall_close(int fd);

/* Descriptors that are passed to this Unix socket, or to one that it accepts, are refused to
 * their sender, if this kernel can do that. */
void stall_refuse_descriptors(int fd);

#endif
