#include "authd/delays.h"

#include <assert.h>
#include <stdlib.h>

#include "common/hash/siphash.h"

#define WAYS	8	/* places that one key may have */

struct entry {
	uint64_t	key;		/* 0: free */
	uint64_t	heard_ms;	/* of it, last */
	uint64_t	failed_ms;	/* last failure */
	uint64_t	not_before_ms;	/* the next attempt */
	uint32_t	failures;
	uint32_t	at_once;	/* being checked */
};

struct delays {
	struct siphash_key	 secret;
	size_t			 room;
	struct entry		*names;		/* name and network */
	struct entry		*nets;
};

struct delays *
delays_new(size_t room)
{
	struct delays *d = calloc(1, sizeof(*d));

	assert(room >= WAYS && (room & (room - 1)) == 0);
	if (d == NULL)
		return NULL;
	siphash_key_init(&d->secret);
	d->room = room;
	d->names = calloc(room, sizeof(*d->names));
	d->nets = calloc(room, sizeof(*d->nets));
	if (d->names == NULL || d->nets == NULL) {
		delays_free(d);
		return NULL;
	}
	return d;
}

void
delays_free(struct delays *d)
{
	if (d == NULL)
		return;
	free(d->names);
	free(d->nets);
	free(d);
}

/* An IPv4 address whole, of an IPv6 address the /64. */
static size_t
net_len(const struct auth_client *client)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	return memcmp(client->octets, mapped, sizeof(mapped)) == 0 ? 16 : 8;
}

/* 127.0.0.0/8 and ::1: see delays.h. */
static bool
is_loopback(const struct auth_client *client)
{
	static const struct auth_client six = { { [15] = 1 } };

	return net_len(client) == 16 ? client->octets[12] == 127 :
	    memcmp(client, &six, sizeof(six)) == 0;
}

/* Of a table's WAYS places for this key the one it has, or is to have. */
static struct entry *
entry_of(struct delays *d, struct entry *table, uint64_t key, uint64_t now_ms)
{
	struct entry *set = &table[key & (d->room - 1) & ~(uint64_t)(WAYS - 1)];
	struct entry *oldest = set;

	if (key == 0)
		key = 1;
	for (struct entry *e = set; e < set + WAYS; e++) {
		if (e->key == key) {
			e->heard_ms = now_ms;
			return e;
		}
		if (e->key == 0 || (oldest->key != 0 &&
		    e->heard_ms < oldest->heard_ms))
			oldest = e;
	}
	*oldest = (struct entry){ .key = key, .heard_ms = now_ms };
	return oldest;
}

struct pair {
	struct entry	*name, *net;
};

static struct pair
look(struct delays *d, struct slice name, const struct auth_client *client,
    uint64_t now_ms)
{
	unsigned char text[16 + USERNAME_MAX];
	size_t len = net_len(client);
	uint64_t net;

	memcpy(text, client->octets, len);
	net = siphash(&d->secret, slice_of(text, len));
	if (name.len > USERNAME_MAX)
		name.len = USERNAME_MAX;
	if (name.len > 0)
		memcpy(text + len, name.at, name.len);
	return (struct pair){
		entry_of(d, d->names, siphash(&d->secret,
		    slice_of(text, len + name.len)), now_ms),
		entry_of(d, d->nets, net, now_ms),
	};
}

static void
forget(struct entry *e, const struct delays_rules *rules, uint64_t now_ms)
{
	if (now_ms - e->failed_ms >= rules->memory_ms)
		e->failures = 0;
}

static uint64_t
wait_for(const struct entry *e, uint64_t now_ms)
{
	return e->not_before_ms > now_ms ? e->not_before_ms - now_ms : 0;
}

uint64_t
delays_admit(struct delays *d, const struct delays_rules *rules,
    uint64_t now_ms, struct slice name, const struct auth_client *client)
{
	struct pair p = look(d, name, client, now_ms);
	uint64_t by_name, by_net;

	forget(p.name, rules, now_ms);
	forget(p.net, rules, now_ms);
	by_name = wait_for(p.name, now_ms);
	by_net = wait_for(p.net, now_ms);
	if (by_name > 0 || by_net > 0)
		return by_name > by_net ? by_name : by_net;
	if (p.name->at_once >= DELAYS_AT_ONCE)
		return DELAYS_ASK_MS;
	p.name->at_once++;
	if (p.net->failures > rules->net_free && !is_loopback(client))
		p.net->not_before_ms = now_ms + rules->first_ms;
	return 0;
}

/* An entry that was pushed out meanwhile counts from nought again. */
static void
ended(struct entry *e)
{
	if (e->at_once > 0)
		e->at_once--;
}

static void
count(struct entry *e, const struct delays_rules *rules, uint64_t now_ms)
{
	forget(e, rules, now_ms);
	if (e->failures < UINT32_MAX)
		e->failures++;
	e->failed_ms = now_ms;
}

uint64_t
delays_failed(struct delays *d, const struct delays_rules *rules,
    uint64_t now_ms, struct slice name, const struct auth_client *client)
{
	struct pair p = look(d, name, client, now_ms);
	uint64_t delay = rules->first_ms;

	ended(p.name);
	count(p.name, rules, now_ms);
	count(p.net, rules, now_ms);
	for (uint32_t i = 1; i < p.name->failures && delay < rules->most_ms;
	    i++)
		delay *= 2;
	if (delay > rules->most_ms)
		delay = rules->most_ms;
	if (p.name->not_before_ms < now_ms + delay)
		p.name->not_before_ms = now_ms + delay;
	return delay;
}

void
delays_passed(struct delays *d, uint64_t now_ms, struct slice name,
    const struct auth_client *client)
{
	struct pair p = look(d, name, client, now_ms);

	ended(p.name);
	p.name->failures = 0;
}

void
delays_dropped(struct delays *d, uint64_t now_ms, struct slice name,
    const struct auth_client *client)
{
	ended(look(d, name, client, now_ms).name);
}
