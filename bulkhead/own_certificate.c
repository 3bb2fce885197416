#include "bulkhead/own_certificate.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "bulkhead/state.h"
#include "common/instance/certificate.h"
#include "common/tls/self_signed.h"

enum {
	DAY = 24 * 3600,
	OWN_DAYS = 3650,
	OWN_RENEW_DAYS = 30,
	WARN_DAYS = 14
};

/* ---- files ---- */

static X509 *
read_chain(int dir, const char *path)
{
	int fd = openat(dir, path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	FILE *f = fd == -1 ? NULL : fdopen(fd, "r");
	X509 *x;

	if (f == NULL)
		return NULL;
	x = PEM_read_X509(f, NULL, NULL, NULL);
	fclose(f);
	return x;
}

/* A key with a passphrase is none that can be used. */
static int
no_passphrase(char *buf, int size, int writing, void *arg)
{
	(void)buf, (void)size, (void)writing, (void)arg;
	return -1;
}

static EVP_PKEY *
read_key(int dir, const char *path)
{
	int fd = openat(dir, path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	FILE *f = fd == -1 ? NULL : fdopen(fd, "r");
	EVP_PKEY *key;

	if (f == NULL)
		return NULL;
	key = PEM_read_PrivateKey(f, NULL, no_passphrase, NULL);
	fclose(f);
	return key;
}

static time_t
expiry(const X509 *x)
{
	struct tm tm;

	return ASN1_TIME_to_tm(X509_get0_notAfter(x), &tm) == 1 ?
	    timegm(&tm) : 0;
}

/* ---- our own ---- */

static bool
own_will_do(const struct bulkhead *b, int dir)
{
	X509 *x = read_chain(dir, "chain.pem");
	EVP_PKEY *key = read_key(dir, "key.pem");
	bool good = x != NULL && key != NULL &&
	    X509_check_private_key(x, key) == 1 &&
	    X509_check_host(x, b->hostname, 0, 0, NULL) == 1 &&
	    expiry(x) > time(NULL) + OWN_RENEW_DAYS * DAY;

	X509_free(x);
	EVP_PKEY_free(key);
	return good;
}

/* Whole or not at all: a pair that does not fit is made again. */
static int
own_make(const struct bulkhead *b, int dir)
{
	const char *names[] = { b->hostname };
	time_t now = time(NULL);
	int chain = state_create(dir, "chain.new", 0644);
	int key = state_create(dir, "key.new", 0600);
	int result = -1;

	if (chain != -1 && key != -1 &&
	    self_signed_write("EC", names, 1, now - DAY,
	    now + (time_t)OWN_DAYS * DAY, chain, key) == 0 &&
	    fsync(chain) == 0 && fsync(key) == 0 &&
	    renameat(dir, "key.new", dir, "key.pem") == 0 &&
	    renameat(dir, "chain.new", dir, "chain.pem") == 0)
		result = fsync(dir);
	if (chain != -1)
		close(chain);
	if (key != -1)
		close(key);
	return result;
}

int
own_certificate_ensure(struct bulkhead *b)
{
	int dir, status = 0;

	if (b->settings == NULL || certificates_serve(b->settings) ||
	    geteuid() != 0)
		return 0;
	if ((dir = state_open(b, CERTIFICATE_OWN, 0700)) == -1)
		return fail(EX_CANTCREAT, "%s/%s: %s", b->instance->state_dir,
		    CERTIFICATE_OWN, strerror(errno));
	if (!own_will_do(b, dir) && own_make(b, dir) == -1)
		status = fail(EX_CANTCREAT, "%s/%s: %s",
		    b->instance->state_dir, CERTIFICATE_OWN, strerror(errno));
	close(dir);
	return status;
}

/* ---- what is named ---- */

static void
check_expiry(struct check_report *r, const char *name, const X509 *x)
{
	time_t left = expiry(x) - time(NULL);

	if (left <= 0)
		check_warning(r, "certificate %s has expired: renew it", name);
	else if (left < WARN_DAYS * DAY)
		check_warning(r, "certificate %s expires in %d days: renew it",
		    name, (int)(left / DAY));
}

static void
check_key_mode(struct check_report *r, const char *path)
{
	struct stat st;

	if (stat(path, &st) == 0 && (st.st_mode & (S_IWGRP | S_IROTH |
	    S_IWOTH)) != 0)
		check_error(r, "%s: others may read or write this private key "
		    "(mode %04o): chmod 600 it", path,
		    (unsigned)st.st_mode & 07777);
}

static void
check_pair(struct check_report *r, const char *name,
    const struct certificate_settings *c)
{
	X509 *x = read_chain(AT_FDCWD, c->chain);
	EVP_PKEY *key = read_key(AT_FDCWD, c->key);

	if (x == NULL)
		check_error(r, "certificate %s: %s: no PEM certificate can be "
		    "read there", name, c->chain);
	if (key == NULL)
		check_error(r, "certificate %s: %s: no PEM key without a "
		    "passphrase can be read there", name, c->key);
	if (x != NULL && key != NULL && X509_check_private_key(x, key) != 1)
		check_error(r, "certificate %s: %s is not the key of %s", name,
		    c->key, c->chain);
	if (x != NULL)
		check_expiry(r, name, x);
	check_key_mode(r, c->key);
	X509_free(x);
	EVP_PKEY_free(key);
}

void
check_certificates(struct check_report *r)
{
	const struct settings *s = r->b->settings;

	/* Keys are root's to read; for others there is nothing to say. */
	if (geteuid() != 0)
		return;
	for (size_t i = 0; i < settings_n_groups(s); i++)
		check_pair(r, settings_group(s, i)->name,
		    settings_group(s, i)->values);
}
