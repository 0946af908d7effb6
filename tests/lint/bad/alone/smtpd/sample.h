/* SPDX-License-Identifier: ISC */
/*
 * sample - a planted sample.
 *
 * It owns nothing.
 */
#ifndef SMTPD_SAMPLE_H
#define SMTPD_SAMPLE_H

size_t sample_run(int n);

#endif
