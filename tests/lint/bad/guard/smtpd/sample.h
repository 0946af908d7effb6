/* SPDX-License-Identifier: ISC */
/*
 * sample - a planted sample.
 *
 * It owns nothing.
 */
#ifndef SAMPLE_H
#define SAMPLE_H

int sample_run(int n);

#endif
