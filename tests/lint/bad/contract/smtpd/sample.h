/* SPDX-License-Identifier: ISC */
#ifndef SMTPD_SAMPLE_H
#define SMTPD_SAMPLE_H

int sample_run(int n);

#endif
