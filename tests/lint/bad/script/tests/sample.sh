#!/bin/sh
# SPDX-License-Identifier: ISC
if true; then
