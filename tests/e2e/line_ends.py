# SPDX-License-Identifier: ISC
"""What some reader of a message may take for its end: TRUE_END is in it."""

LINE_ENDS = [a + b"." + c
             for a in (b"\r\n", b"\n", b"\r", b"")
             for c in (b"\r\n", b"\n", b"\r", b"")] + [
    b"\r\n.\0\r\n", b"\r\n..\r\n", b"\n..\n", b"\r\r\n.\r\r\n",
    b"\r\n\x00.\r\n", b"\n\r.\n\r", b"\r\n.\r\r\n", b"\r\r.\r\n",
    b"\n\n.\n\n", b"\r\n.\n\r\n", b"\n.\r\n\n", b"\0\n.\r\n",
    b"\r\n .\r\n", b"\r\n. \r\n", b"\x85.\x85", b"\xe2\x80\xa8.\xe2\x80\xa8",
    b"\x0b.\x0b", b"\x0c.\x0c"]
