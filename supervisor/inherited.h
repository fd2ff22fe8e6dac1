/* SPDX-License-Identifier: ISC */
/*
 * What natterd was started with and changes for itself alone: the umask and the limit of
 * open descriptors.  Hooks get both as they were.
 */
#ifndef INHERITED_H
#define INHERITED_H

/* From now on files get the modes that they are made with, and nobody else may write what is made with none; as many
 * descriptors may be open as the hard limit has it. */
void inherited_replace(void);

/* In a child. */
void inherited_restore(void);

#endif
