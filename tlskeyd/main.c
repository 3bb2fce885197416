/*
 * tlskeyd: holds the private keys, alone, and signs handshakes for those who
 * speak TLS.  Its memory is locked and never dumped; it has no file, no
 * network and no other peer.
 */
#include "tlskeyd/tlskeyd.h"

#include <sys/mman.h>
#include <sys/resource.h>

#include <errno.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <event2/event.h>
#include <openssl/crypto.h>
#include <openssl/provider.h>
#include <openssl/rand.h>

#include "common/log/log.h"
#include "common/sandbox/sandbox.h"

enum {
	SECURE_HEAP = 2 << 20,	/* TLS_KEYS_MAX keys; locked, never dumped */
	ALL_LOCKED = 48 << 20	/* enough for the whole process */
};

uint64_t
tlskeyd_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* ---- what supervisor gives us ---- */

static int
take_settings(void *ctx, int shared_fd, int own_fd)
{
	struct tlskeyd *d = ctx;
	struct settings_errors errors = { 0 };

	(void)shared_fd;
	settings_free(d->next_settings);
	d->next_settings = settings_read(&tlskeyd_schema, own_fd, &errors);
	for (size_t i = 0; i < errors.n; i++)
		log_error("settings-refused",
		    LOG_CSTR("reason", errors.at[i]));
	return d->next_settings != NULL ? 0 : -1;
}

static int
on_key(void *ctx, struct ipc_channel *ch, struct ipc_message *m)
{
	(void)ch;
	return store_take(ctx, m);
}

static int
take_channel(void *ctx, enum ipc_role peer, unsigned instance, int fd)
{
	if ((IPC_TLS_USERS & IPC_BIT(peer)) == 0) {
		close(fd);
		return -1;
	}
	return peers_add(ctx, peer, instance, fd);
}

static int
commit(void *ctx, bool first)
{
	struct tlskeyd *d = ctx;

	if (d->next_settings != NULL) {
		settings_free(d->settings);
		d->settings = d->next_settings;
		d->next_settings = NULL;
		d->set = settings_values(d->settings);
	}
	if (d->set == NULL)
		return -1;
	if (store_commit(d))
		peers_announce(d);
	report_expiry(d);
	log_notice(first ? "started" : "reloaded",
	    LOG_NUM("certificates", d->n_blocks));
	return 0;
}

static const struct ipc_handler from_supervisor[] = {
	{ IPC_STAGE_KEY, on_key },
};

static const struct stage_hooks hooks = {
	.role = IPC_TLSKEYD,
	.settings = take_settings,
	.channel = take_channel,
	.commit = commit,
	.more = from_supervisor,
	.more_count = sizeof(from_supervisor) / sizeof(from_supervisor[0]),
};

/* ---- the process ---- */

/* What OpenSSL looks for outside of itself, it looks for now. */
static int
library_start(void)
{
	unsigned char octet;

	if (OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG |
	    OPENSSL_INIT_LOAD_CRYPTO_STRINGS, NULL) == 1 &&
	    OSSL_PROVIDER_load(NULL, "default") != NULL &&
	    CRYPTO_secure_malloc_init(SECURE_HEAP, 32) != 0 &&
	    RAND_bytes(&octet, 1) == 1 && RAND_priv_bytes(&octet, 1) == 1)
		return 0;
	log_error("cannot-start", LOG_CSTR("step", "OpenSSL"));
	return -1;
}

/*
 * Keys are never to reach a disk that memory is swapped to: all memory is
 * locked.  Where the limit is too low for that (it counts what may be
 * touched, and a call for more then fails), at least the numbers of the keys
 * themselves are, in a heap of their own.
 */
static int
lock_memory(void *ctx)
{
	struct rlimit limit;

	(void)ctx;
#ifndef BULKHEAD_SANITIZE
	if (getrlimit(RLIMIT_MEMLOCK, &limit) == 0 &&
	    limit.rlim_cur >= ALL_LOCKED &&
	    mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) == 0)
		return 0;
	log_notice("memory-locked", LOG_CSTR("what", "the keys alone"),
	    LOG_CSTR("remedy", "LimitMEMLOCK=64M"));
#else
	(void)limit;
#endif
	return 0;
}

static void
on_minute(int fd, short what, void *arg)
{
	struct tlskeyd *d = arg;

	(void)fd, (void)what;
	if (d->set == NULL)
		return;
	tickets_turn(d);
	report_turn(d);
}

static int
minutes_begin(struct tlskeyd *d)
{
	static const struct timeval minute = { .tv_sec = 60 };

	d->minute = event_new(d->stage.base, -1, EV_PERSIST, on_minute, d);
	return d->minute == NULL ? -1 : event_add(d->minute, &minute);
}

static void
clear(struct tlskeyd *d)
{
	peers_clear(d);
	store_clear(d);
	settings_free(d->settings);
	settings_free(d->next_settings);
	explicit_bzero(d->tickets, sizeof(d->tickets));
}

int
main(int argc, char *argv[])
{
	struct tlskeyd *d;
	int status;

	stage_open(argc, argv, &hooks);
	if (library_start() == -1)
		return 71;
	sandbox_enter_with(IPC_TLSKEYD, lock_memory, NULL);
	if ((d = calloc(1, sizeof(*d))) == NULL)
		return 71;
	TAILQ_INIT(&d->blocks);
	TAILQ_INIT(&d->peers);
	stage_attach(&d->stage, &hooks, d);
	if (minutes_begin(d) == -1) {
		log_error("cannot-start", LOG_ERRNO(errno));
		return 71;
	}
	status = stage_run(&d->stage);
	clear(d);
	free(d);
	return status;
}
