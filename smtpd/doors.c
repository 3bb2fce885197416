/* Listening sockets, and who is let in. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <bsd/string.h>

#include "common/instance/listener.h"
#include "common/net/listener.h"
#include "common/stage/fields.h"
#include "common/net/network.h"
#include "smtpd/screen.h"
#include "smtpd/session.h"

struct door {
	TAILQ_ENTRY(door) all;
	struct smtpd	*d;
	struct listener	*listener;	/* NULL: not open yet, or closed */
	int		 fd;
	char		 name[STAGE_NAME_MAX + 1];
};

const struct listener_settings *
door_settings(const struct door *door)
{
	const struct settings *s = door->d->settings;

	for (size_t i = 0; i < settings_n_groups(s); i++)
		if (strcmp(settings_group(s, i)->name, door->name) == 0 &&
		    strcmp(settings_group(s, i)->block->kind, "listener") == 0)
			return settings_group(s, i)->values;
	return NULL;
}

/* supervisor gives each process its own doors, and one has this name. */
enum door_kind
door_kind(const struct door *door)
{
	if (door->d->role == IPC_SMTPD)
		return DOOR_SMTP;
	if (door->d->role == IPC_LMTP)
		return DOOR_LMTP;
	return strcmp(door->name, SMTPD_DOOR_INJECT) == 0 ? DOOR_INJECT :
	    DOOR_SUBMISSION;
}

const char *
door_name(const struct door *door)
{
	return door->name;
}

/* A client that gets no session: told why, and logged. */
void
door_turn_away(struct smtpd *d, int fd, const struct net_address *peer,
    enum smtpd_reply r)
{
	char line[SMTP_REPLY_LINE_MAX], client[NET_ADDRESS_SIZE];
	const struct smtp_status *status = smtpd_reply_status(r);

	(void)send(fd, line, smtp_reply_status(line, status),
	    MSG_NOSIGNAL | MSG_DONTWAIT);
	close(fd);
	log_info("refused", LOG_CSTR("client", net_address_print(peer, client)),
	    LOG_CSTR("what", "connection"), LOG_NUM("code", status->code),
	    LOG_CSTR("reason", smtpd_reply_name(r)),
	    LOG_NUM("sessions", d->n_sessions));
}

/* The same by a rule about its address. */
static void
turn_away_by_rule(int fd, const struct net_address *peer,
    const struct verdict *v)
{
	char line[SMTP_REPLY_LINE_MAX], client[NET_ADDRESS_SIZE];

	(void)send(fd, line, smtp_reply_line(line, v->code, v->enhanced,
	    slice_str(v->text), 0), MSG_NOSIGNAL | MSG_DONTWAIT);
	close(fd);
	log_info("refused", LOG_CSTR("client", net_address_print(peer, client)),
	    LOG_CSTR("what", "connection"), LOG_NUM("code", v->code),
	    LOG_CSTR("reason", v->rule));
}

/* Clients are counted by network. */
static struct client *
enter(struct smtpd *d, const struct net_address *peer)
{
	struct net_address network = *peer;

	net_address_mask(&network, (unsigned)(peer->family == NET_IPV4 ?
	    d->set->client_bits_ipv4 : d->set->client_bits_ipv6));
	return clients_enter(d->clients, &network);
}

/* Whom a rule permits there is room for when strangers have filled it. */
static uint64_t
room(const struct smtpd *d, bool permitted)
{
	uint64_t max = d->set->max_sessions;

	return permitted ? max + max / 10 + 1 : max;
}

static enum smtpd_reply
check_client(struct smtpd *d, const struct net_address *peer,
    struct client *client)
{
	const struct smtpd_settings *set = d->set;

	if (net_address_is_local(peer) && !set->limit_this_host)
		return SAY_OK;
	if (client->live > set->max_sessions_per_client)
		return SAY_CLIENT_FULL;
	if (client_count(&client->connections, 1, smtpd_now_ms(d), MINUTE_MS) >
	    set->max_connections_per_minute)
		return SAY_CLIENT_RATE;
	if (client_count(&client->errors, 0, smtpd_now_ms(d), MINUTE_MS) >=
	    set->max_errors_per_minute)
		return SAY_CLIENT_ERRORS;
	return SAY_OK;
}

void
door_admit(struct door *door, int fd, const struct net_address *peer)
{
	struct smtpd *d = door->d;
	struct client *client;
	enum smtpd_reply why;
	struct verdict v = { .action = VERDICT_ACCEPT };
	bool permitted;

	if (door_kind(door) == DOOR_LMTP && !lmtp_may_connect(door, peer)) {
		door_turn_away(d, fd, peer, SAY_LMTP_STRANGER);
		return;
	}
	if (door_kind(door) == DOOR_SMTP)
		screen_connection(d, peer, &v);
	if (v.code != 0) {
		turn_away_by_rule(fd, peer, &v);
		return;
	}
	permitted = v.action == VERDICT_PERMIT;
	if (d->n_sessions >= room(d, permitted)) {
		door_turn_away(d, fd, peer, SAY_FULL);
		return;
	}
	client = enter(d, peer);
	if (client == NULL) {
		door_turn_away(d, fd, peer, SAY_NO_MEMORY);
		return;
	}
	why = permitted ? SAY_OK : check_client(d, peer, client);
	if (why != SAY_OK) {
		clients_leave(d->clients, client);
		door_turn_away(d, fd, peer, why);
		return;
	}
	session_new(d, door, fd, peer, client, permitted);
}

static void
accepted(void *arg, int fd, const struct net_address *peer)
{
	struct door *door = arg;

	if (proxied_expected(door, peer))
		proxied_new(door->d, door, fd, peer);
	else
		door_admit(door, fd, peer);
}

static void
trouble(void *arg, int error)
{
	struct door *door = arg;

	log_warning("cannot-accept", LOG_CSTR("listener", door->name),
	    LOG_ERRNO(error), LOG_NUM("sessions", door->d->n_sessions));
}

static const struct listener_events events = {
	accepted, trouble, "421 4.3.2 Too many sessions, try later\r\n"
};

int
doors_add(struct smtpd *d, const char *name, int fd)
{
	struct door *door = calloc(1, sizeof(*door));

	if (door == NULL) {
		close(fd);
		return -1;
	}
	door->d = d;
	door->fd = fd;
	strlcpy(door->name, name, sizeof(door->name));
	TAILQ_INSERT_TAIL(&d->doors, door, all);
	return 0;
}

/*
 * Its block went with a reload: whoever came in here would be served by rules
 * that nobody wrote, without TLS and without milters.  supervisor closes the
 * socket when the stage begins anew.
 */
static bool
is_orphan(const struct door *door)
{
	return strcmp(door->name, SMTPD_DOOR_INJECT) != 0 &&
	    door_settings(door) == NULL;
}

static void
shut_orphan(struct door *door)
{
	if (door->listener == NULL)
		return;
	log_warning("listener-without-settings",
	    LOG_CSTR("listener", door->name),
	    LOG_CSTR("remedy", "restart the stage: until then nobody is let in"));
	listener_free(door->listener);
	door->listener = NULL;
}

int
doors_open(struct smtpd *d)
{
	struct door *door;

	TAILQ_FOREACH(door, &d->doors, all) {
		/* cppcheck-suppress uninitvar ; TAILQ_FOREACH sets it */
		if (is_orphan(door)) {
			shut_orphan(door);
			continue;
		}
		if (door->listener != NULL || door->fd == -1)
			continue;
		door->listener = listener_new(d->stage.base, door->fd, &events,
		    door);
		if (door->listener == NULL) {
			log_error("cannot-listen",
			    LOG_CSTR("listener", door->name), LOG_ERRNO(errno));
			return -1;
		}
	}
	return 0;
}

/* The doors themselves stay: sessions that came in by them know them. */
void
doors_close(struct smtpd *d)
{
	struct door *door;

	proxied_close_all(d);
	TAILQ_FOREACH(door, &d->doors, all) {
		/* cppcheck-suppress uninitvar ; TAILQ_FOREACH sets it */
		listener_free(door->listener);
		door->listener = NULL;
		if (door->fd != -1)
			close(door->fd);
		door->fd = -1;
	}
}
