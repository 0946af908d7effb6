/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/tls_certificate.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include "common/fsutil.h"
#include "common/io.h"
#include "common/limits.h"
#include "common/log.h"

#define CERTIFICATE_DAYS 3650

static bool
certificate_add_name(X509 *x509, const char *hostname)
{
	X509_EXTENSION *extension;
	char names[512];
	bool ok;

	snprintf(names, sizeof(names), "DNS:%s", hostname);
	extension =
	    X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, names);
	ok = extension != NULL && X509_add_ext(x509, extension, -1) == 1;
	X509_EXTENSION_free(extension);
	return ok;
}

/* RFC 5280 section 4.1.2.2: the serial number is positive and unique. The
 * common name holds 64 characters; the whole name is in the extension. */
static bool
certificate_fill(X509 *x509, EVP_PKEY *key, const char *hostname)
{
	X509_NAME *name = X509_get_subject_name(x509);
	char common[65];
	uint64_t serial;

	if (RAND_bytes((unsigned char *)&serial, sizeof(serial)) != 1)
		return false;
	snprintf(common, sizeof(common), "%s", hostname);
	return X509_set_version(x509, X509_VERSION_3) == 1 &&
	       ASN1_INTEGER_set_uint64(
		   X509_get_serialNumber(x509), serial >> 1 | 1) == 1 &&
	       X509_gmtime_adj(X509_getm_notBefore(x509), -86400) != NULL &&
	       X509_time_adj_ex(X509_getm_notAfter(x509), CERTIFICATE_DAYS, 0,
		   NULL) != NULL &&
	       X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
		   (const unsigned char *)common, -1, -1, 0) == 1 &&
	       X509_set_issuer_name(x509, name) == 1 &&
	       X509_set_pubkey(x509, key) == 1 &&
	       certificate_add_name(x509, hostname) &&
	       X509_sign(x509, key, EVP_sha256()) > 0;
}

static bool
write_memory(const char *path, BIO *bio, mode_t mode, struct why *why)
{
	char *bytes;
	long length = BIO_get_mem_data(bio, &bytes);

	return length > 0 && fs_replace(AT_FDCWD, path,
				 slice_make(bytes, (size_t)length), mode, why);
}

static bool
write_pair(const struct tls_certificate_paths *paths, X509 *x509, EVP_PKEY *key,
    struct why *why)
{
	BIO *certificate = BIO_new(BIO_s_mem());
	BIO *secret = BIO_new(BIO_s_secmem());
	bool ok;

	ok = certificate != NULL && secret != NULL &&
	     PEM_write_bio_X509(certificate, x509) == 1 &&
	     PEM_write_bio_PrivateKey(secret, key, NULL, NULL, 0, NULL, NULL) ==
		 1;
	if (!ok)
		why_set(why, "cannot write the certificate");
	ok = ok && write_memory(paths->key, secret, 0600, why) &&
	     write_memory(paths->certificate, certificate, 0644, why);
	BIO_free(certificate);
	BIO_free(secret);
	return ok;
}

static bool
certificate_make(const struct settings *settings,
    const struct tls_certificate_paths *paths, struct why *why)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *x509 = X509_new();
	bool ok;

	ok = key != NULL && x509 != NULL &&
	     certificate_fill(x509, key, settings->hostname);
	if (!ok)
		why_set(why, "cannot make a certificate for %s",
		    settings->hostname);
	ok = ok && write_pair(paths, x509, key, why);
	X509_free(x509);
	EVP_PKEY_free(key);
	if (ok)
		log_info("made a self-signed certificate for %s",
		    settings->hostname);
	return ok;
}

static bool
is_there(const struct tls_certificate_paths *paths)
{
	return access(paths->certificate, R_OK) == 0 &&
	       access(paths->key, R_OK) == 0;
}

static bool
certificate_make_locked(const struct settings *settings,
    const struct tls_certificate_paths *paths, struct why *why)
{
	char lock[1024];
	bool ok;
	int fd;

	snprintf(lock, sizeof(lock), "%s/tls/lock", settings->state_directory);
	fd = open(lock, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return why_errno(why, "open %s", lock);
	ok = fs_lock(fd, true, io_deadline(TIMEOUT_PIPE)) ||
	     why_errno(why, "lock %s", lock);
	if (ok && !is_there(paths))
		ok = certificate_make(settings, paths, why);
	close(fd);
	return ok;
}

bool
tls_certificate_find(const struct settings *settings,
    struct tls_certificate_paths *paths, struct why *why)
{
	char directory[512];
	int n = snprintf(
	    directory, sizeof(directory), "%s/tls", settings->state_directory);

	snprintf(paths->certificate, sizeof(paths->certificate), "%s/%s.crt",
	    directory, settings->hostname);
	snprintf(paths->key, sizeof(paths->key), "%s/%s.key", directory,
	    settings->hostname);
	if (n < 0 || (size_t)n >= sizeof(directory) ||
	    strlen(settings->hostname) > 255 ||
	    strchr(settings->hostname, '/') != NULL)
		return why_set(why, "hostname or state_directory too long");
	if (is_there(paths))
		return true;
	return fs_make_directories(directory, 0700, why) &&
	       certificate_make_locked(settings, paths, why);
}
