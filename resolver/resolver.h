/*
 * resolver: the one process that parses DNS.  libunbound asks, validates and
 * caches for all stages; what they get is the outcome in a form of our own
 * (common/ipc/dns.h).  It holds nothing that is worth stealing.
 */
#ifndef RESOLVER_RESOLVER_H
#define RESOLVER_RESOLVER_H

#include <stdbool.h>
#include <stdint.h>

#include <bsd/sys/queue.h>

#include "common/ipc/dns.h"
#include "common/ipc/ipc.h"
#include "common/settings/settings.h"
#include "common/stage/stage.h"
#include "resolver/settings.h"

struct asker;
struct event;
struct resolver;
struct ub_ctx;

/*
 * One question that libunbound works on.  It stays until libunbound is done
 * with it, also when nobody waits for it any more (asker is NULL then).
 */
struct lookup {
	TAILQ_ENTRY(lookup)	 entry;		/* lookups: first due first */
	TAILQ_ENTRY(lookup)	 asker_entry;
	struct resolver		*resolver;
	struct asker		*asker;
	uint64_t		 id;		/* of the DNS_ASK */
	uint64_t		 due_ms;
	enum dns_type		 type;
	char			 name[DNS_NAME_MAX + 1];
};

TAILQ_HEAD(lookups, lookup);

/* A channel to one who asks. */
struct asker {
	struct resolver		*resolver;
	struct ipc_channel	*channel;
	struct lookups		 lookups;
	unsigned		 count;
};

/* What the tables hold, as text; at is ours. */
struct text {
	char	*at;
	size_t	 len;
};

/* 53, and those of the settings. */
enum { ENGINE_PORTS_MAX = 17 };

enum { TEXT_ANCHORS, TEXT_ROOT_KEY, TEXT_RESOLV_CONF, TEXT_COUNT };

struct resolver {
	struct stage		 stage;
	struct settings		*shared, *own;		/* in use */
	struct settings		*next_shared, *next_own; /* of this batch */
	struct text		 texts[TEXT_COUNT];	/* in use */
	struct text		 next_texts[TEXT_COUNT];
	struct ub_ctx		*context;
	bool			 deleting;	/* engine_delete is at work */
	uint16_t		 ports[ENGINE_PORTS_MAX];	/* for TCP */
	size_t			 n_ports;
	bool			 ports_closed;	/* all others */
	struct lookups		 lookups;	/* with an asker */
	struct lookups		 strays;	/* without */
	unsigned		 count;		/* of both */
	struct event		*timer;		/* the first one is due */
	uint8_t			 answer[DNS_ANSWER_MAX];
};

static inline const struct resolver_settings *
resolver_settings(const struct resolver *r)
{
	return settings_values(r->own);
}

/* ---- engine.c: libunbound and what it is told ---- */
/*
 * A context of the settings and tables given.  NULL after logging: the
 * anchors do not do, or memory is short.
 */
struct ub_ctx *engine_new(struct resolver *, const struct resolver_settings *,
    const struct text texts[TEXT_COUNT]);
/* Delete the one in use; its questions are not answered. */
void engine_delete(struct resolver *);
/* The TCP ports of the servers that will be asked; returns how many. */
size_t engine_ports(const struct resolver_settings *,
    uint16_t out[ENGINE_PORTS_MAX]);
/* Ask the root whether signatures arrive; a warning if they do not. */
void engine_probe(struct resolver *);

/* ---- lookups.c ---- */
int lookups_init(struct resolver *);
void lookups_clear(struct resolver *);
/* Begin one for asker, which is answered in any case, perhaps at once. */
void lookup_start(struct asker *, uint64_t id, const struct dns_question *);
/* The asker has cancelled it, or has gone altogether. */
void lookup_cancel(struct asker *, uint64_t id);
void lookups_abandon(struct asker *);
/* Another context is in use, and the former one deleted: ask it anew. */
void lookups_again(struct resolver *);

/* ---- askers.c ---- */
/* Take fd as a channel to one who asks.  -1: logged. */
int asker_open(struct resolver *, enum ipc_role peer, int fd);

#endif
