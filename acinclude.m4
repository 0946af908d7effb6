dnl SPDX-License-Identifier: ISC
dnl Probes of our own. Each flag is tried by itself, since gcc and clang
dnl know different ones.

dnl MERPATI_TRY_FLAG(FLAG, VARIABLE): append FLAG if compiling and linking
dnl with it gives no diagnostic.
AC_DEFUN([MERPATI_TRY_FLAG], [
  AC_MSG_CHECKING([whether $CC takes $1])
  merpati_saved_CFLAGS="$CFLAGS"
  CFLAGS="$CFLAGS -Werror $1"
  AC_LINK_IFELSE([AC_LANG_PROGRAM([[#include <stdio.h>]],
    [[char text[16]; return snprintf(text, sizeof(text), "%d", 1) != 1;]])],
    [AC_MSG_RESULT([yes]); CFLAGS="$merpati_saved_CFLAGS"; $2="$$2 $1"],
    [AC_MSG_RESULT([no]); CFLAGS="$merpati_saved_CFLAGS"])
])

AC_DEFUN([MERPATI_LANGUAGE], [
  CC="$CC -std=c11"
])

AC_DEFUN([MERPATI_WARNINGS], [
  WARNING_CFLAGS=
  m4_foreach_w([flag], [-Wall -Wextra -Wpedantic -Wshadow -Wconversion
    -Wsign-conversion -Wstrict-prototypes -Wold-style-definition
    -Wmissing-prototypes -Wmissing-declarations
    -Wmissing-variable-declarations -Wredundant-decls -Wnested-externs
    -Wwrite-strings -Wcast-qual -Wcast-align=strict -Wpointer-arith
    -Wbad-function-cast -Wundef -Wvla -Walloca -Wformat=2
    -Wformat-signedness -Wnull-dereference -Wduplicated-cond
    -Wduplicated-branches -Wlogical-op -Wjump-misses-init
    -Wimplicit-fallthrough=5 -Warith-conversion -Wdate-time -Winit-self
    -Wframe-larger-than=16384 -Wunreachable-code-aggressive -Wcomma
    -Wconditional-uninitialized],
    [MERPATI_TRY_FLAG(flag, [WARNING_CFLAGS])])
  AC_ARG_ENABLE([werror], [AS_HELP_STRING([--enable-werror],
    [treat warnings as errors])])
  AS_IF([test "x$enable_werror" = xyes],
    [WARNING_CFLAGS="$WARNING_CFLAGS -Werror"])
  AC_SUBST([WARNING_CFLAGS])
])

AC_DEFUN([MERPATI_HARDENING], [
  HARDENING_CFLAGS=
  HARDENING_LDFLAGS=
  AC_ARG_ENABLE([hardening], [AS_HELP_STRING([--disable-hardening],
    [leave the hardening flags out])])
  AS_IF([test "x$enable_hardening" != xno], [
    m4_foreach_w([flag], [-fstack-protector-strong
      -fstack-clash-protection -fcf-protection=full
      -ftrivial-auto-var-init=zero -fno-common],
      [MERPATI_TRY_FLAG(flag, [HARDENING_CFLAGS])])
    AC_ARG_ENABLE([fortify], [AS_HELP_STRING([--disable-fortify],
      [leave _FORTIFY_SOURCE out])])
    AS_IF([test "x$enable_fortify" != xno && test "x$enable_sanitizers" = x], [
      MERPATI_TRY_FLAG([-D_FORTIFY_SOURCE=3], [HARDENING_CFLAGS])
      case "$HARDENING_CFLAGS" in
      *_FORTIFY_SOURCE*) ;;
      *) MERPATI_TRY_FLAG([-D_FORTIFY_SOURCE=2], [HARDENING_CFLAGS]) ;;
      esac])
    MERPATI_TRY_FLAG([-fPIE -pie], [merpati_pie])
    AS_IF([test -n "$merpati_pie"], [
      HARDENING_CFLAGS="$HARDENING_CFLAGS -fPIE"
      HARDENING_LDFLAGS="$HARDENING_LDFLAGS -pie"])
    MERPATI_TRY_FLAG([-Wl,-z,relro,-z,now], [HARDENING_LDFLAGS])
  ])
  AC_SUBST([HARDENING_CFLAGS])
  AC_SUBST([HARDENING_LDFLAGS])
])

dnl Programs that are forked or executed for each connection start faster as
dnl static images. Not the default: static programs find accounts outside of
dnl /etc/passwd only while the C library is the one they were built with.
AC_DEFUN([MERPATI_STATIC], [
  AC_ARG_ENABLE([static-programs], [AS_HELP_STRING([--enable-static-programs],
    [link merpatid, the fronts and enqueue statically: faster, for hosts
     whose accounts are all in /etc/passwd or the users file])])
  STATIC_LDFLAGS=
  AS_IF([test "x$enable_static_programs" = xyes],
    [MERPATI_TRY_FLAG([-static-pie], [STATIC_LDFLAGS])
     AS_IF([test -z "$STATIC_LDFLAGS"],
       [AC_MSG_ERROR([--enable-static-programs: -static-pie does not work])])])
  AC_SUBST([STATIC_LDFLAGS])
])

AC_DEFUN([MERPATI_SANITIZERS], [
  AC_ARG_ENABLE([sanitizers], [AS_HELP_STRING([--enable-sanitizers=LIST],
    [build with -fsanitize=LIST, e.g. address,undefined])])
  SANITIZER_FLAGS=
  AS_IF([test -n "$enable_sanitizers" && test "x$enable_sanitizers" != xno],
    [SANITIZER_FLAGS="-fsanitize=$enable_sanitizers -fno-sanitize-recover=all -fno-omit-frame-pointer"
     AC_DEFINE([WITH_SANITIZERS], [1],
       [Built with sanitizers: system call filters would stop them])])
  AC_SUBST([SANITIZER_FLAGS])
])

AC_DEFUN([MERPATI_FAULT_POINTS], [
  AC_ARG_ENABLE([fault-points], [AS_HELP_STRING([--enable-fault-points],
    [test build: die at the commit point named by MERPATI_FAULT_POINT])])
  AS_IF([test "x$enable_fault_points" = xyes],
    [AC_DEFINE([WITH_FAULT_POINTS], [1], [Commit points can be killed])])
])

AC_DEFUN([MERPATI_CRYPT], [
  merpati_saved_LIBS="$LIBS"
  LIBS=
  AC_SEARCH_LIBS([crypt], [crypt], [],
    [AC_MSG_ERROR([crypt(3) not found: apt-get install libcrypt-dev])])
  CRYPT_LIBS="$LIBS"
  AC_CHECK_FUNCS([crypt_ra crypt_gensalt_ra])
  LIBS="$merpati_saved_LIBS"
  AC_SUBST([CRYPT_LIBS])
])

AC_DEFUN([MERPATI_OPENSSL], [
  merpati_saved_LIBS="$LIBS"
  LIBS="-lssl -lcrypto"
  AC_MSG_CHECKING([for OpenSSL 3])
  AC_LINK_IFELSE([AC_LANG_PROGRAM([[#include <openssl/ssl.h>
    #if OPENSSL_VERSION_NUMBER < 0x30000000L
    #error too old
    #endif]], [[return SSL_CTX_new(TLS_method()) == NULL;]])],
    [AC_MSG_RESULT([yes])],
    [AC_MSG_RESULT([no])
     AC_MSG_ERROR([OpenSSL 3 not found: apt-get install libssl-dev])])
  LIBS="$merpati_saved_LIBS"
  AC_SUBST([OPENSSL_LIBS], ["-lssl -lcrypto"])
])

AC_DEFUN([MERPATI_DB], [
  AC_ARG_WITH([db], [AS_HELP_STRING([--with-db=no],
    [build on text tables, without Berkeley DB])], [], [with_db=yes])
  DB_LIBS=
  AS_IF([test "x$with_db" != xno], [
    merpati_saved_LIBS="$LIBS"
    LIBS="-ldb"
    AC_MSG_CHECKING([for Berkeley DB])
    AC_LINK_IFELSE([AC_LANG_PROGRAM([[#include <sys/types.h>
      #include <db.h>]], [[DB *db; return db_create(&db, 0, 0);]])],
      [AC_MSG_RESULT([yes]); DB_LIBS=-ldb
       AC_DEFINE([WITH_DB], [1], [Berkeley DB tables])],
      [AC_MSG_RESULT([no])
       AC_MSG_ERROR([Berkeley DB not found: apt-get install libdb-dev, or --with-db=no])])
    LIBS="$merpati_saved_LIBS"
  ])
  AM_CONDITIONAL([WITH_DB], [test "x$with_db" != xno])
  AC_SUBST([DB_LIBS])
])

AC_DEFUN([MERPATI_RESOLV], [
  merpati_saved_LIBS="$LIBS"
  RESOLV_LIBS=
  for merpati_lib in "" -lresolv; do
    LIBS="$merpati_lib"
    AC_LINK_IFELSE([AC_LANG_PROGRAM([[#include <sys/types.h>
      #include <netinet/in.h>
      #include <arpa/nameser.h>
      #include <resolv.h>]], [[ns_msg m; unsigned char b[12] = {0};
      struct __res_state s; char n[256];
      return ns_initparse(b, 12, &m) + res_ninit(&s)
        + dn_expand(b, b + 12, b, n, 256);]])],
      [RESOLV_LIBS="$merpati_lib"; break])
  done
  LIBS="$merpati_saved_LIBS"
  AC_SUBST([RESOLV_LIBS])
])

AC_DEFUN([MERPATI_PAM], [
  AC_ARG_WITH([pam], [AS_HELP_STRING([--with-pam],
    [build auth-pam; default: when PAM is there])], [], [with_pam=check])
  PAM_LIBS=
  AS_IF([test "x$with_pam" != xno], [
    merpati_saved_LIBS="$LIBS"
    LIBS="-lpam"
    AC_MSG_CHECKING([for PAM])
    AC_LINK_IFELSE([AC_LANG_PROGRAM([[#include <security/pam_appl.h>]],
      [[return pam_end(0, 0);]])],
      [AC_MSG_RESULT([yes]); PAM_LIBS=-lpam],
      [AC_MSG_RESULT([no])
       AS_IF([test "x$with_pam" != xcheck],
         [AC_MSG_ERROR([PAM not found: apt-get install libpam0g-dev])])])
    LIBS="$merpati_saved_LIBS"
  ])
  AM_CONDITIONAL([WITH_PAM], [test "x$PAM_LIBS" != x])
  AC_SUBST([PAM_LIBS])
])

AC_DEFUN([MERPATI_CMOCKA], [
  merpati_saved_LIBS="$LIBS"
  LIBS=-lcmocka
  AC_MSG_CHECKING([for cmocka])
  AC_LINK_IFELSE([AC_LANG_PROGRAM([[#include <stdarg.h>
    #include <stddef.h>
    #include <setjmp.h>
    #include <stdint.h>
    #include <cmocka.h>]], [[cmocka_set_message_output(CM_OUTPUT_STDOUT);]])],
    [AC_MSG_RESULT([yes]); have_cmocka=yes],
    [AC_MSG_RESULT([no, unit tests are left out]); have_cmocka=no])
  LIBS="$merpati_saved_LIBS"
  AM_CONDITIONAL([HAVE_CMOCKA], [test "$have_cmocka" = yes])
])
