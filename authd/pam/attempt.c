#include "authd/pam/attempt.h"

#include <security/pam_appl.h>
#include <stdlib.h>

#include <arpa/inet.h>

#include "common/log/log.h"

/* Passwords are asked for; everything else has no answer from us. */
static int
converse(int n, const struct pam_message **messages,
    struct pam_response **responses, void *ctx)
{
	const char *password = ctx;
	struct pam_response *r;

	if (n <= 0 || n > PAM_MAX_NUM_MSG)
		return PAM_CONV_ERR;
	if ((r = calloc((size_t)n, sizeof(*r))) == NULL)
		return PAM_BUF_ERR;
	for (int i = 0; i < n; i++) {
		int style = messages[i]->msg_style;

		if (style == PAM_PROMPT_ECHO_OFF)
			r[i].resp = strdup(password);
		if (style == PAM_PROMPT_ECHO_ON ||
		    (style == PAM_PROMPT_ECHO_OFF && r[i].resp == NULL))
			goto fail;
	}
	*responses = r;
	return PAM_SUCCESS;
fail:
	for (int i = 0; i < n; i++)
		if (r[i].resp != NULL) {
			explicit_bzero(r[i].resp, strlen(r[i].resp));
			free(r[i].resp);
		}
	free(r);
	return PAM_CONV_ERR;
}

/* authd delays what fails, and knows better for how long. */
static void
no_delay(int retval, unsigned usec, void *ctx)
{
	(void)retval;
	(void)usec;
	(void)ctx;
}

static const char *
client_text(const struct auth_client *client, char out[INET6_ADDRSTRLEN])
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	bool v4 = memcmp(client->octets, mapped, sizeof(mapped)) == 0;

	return inet_ntop(v4 ? AF_INET : AF_INET6,
	    client->octets + (v4 ? 12 : 0), out, INET6_ADDRSTRLEN);
}

static int
set_items(pam_handle_t *pamh, const struct auth_client *client)
{
	void (*delay)(int, unsigned, void *) = no_delay;
	char text[INET6_ADDRSTRLEN];
	const void *item;
	int result;

	memcpy(&item, &delay, sizeof(item));
	result = pam_set_item(pamh, PAM_FAIL_DELAY, item);
	if (result != PAM_SUCCESS)
		return result;
	return pam_set_item(pamh, PAM_RHOST, client_text(client, text));
}

/* A module may put another user in place of who asked: not with us. */
static int
same_user(pam_handle_t *pamh, const char *name)
{
	const void *user = NULL;
	int result = pam_get_item(pamh, PAM_USER, &user);

	if (result != PAM_SUCCESS)
		return result;
	return user != NULL && strcmp(user, name) == 0 ? PAM_SUCCESS :
	    PAM_PERM_DENIED;
}

static enum pam_verdict
verdict_of(int result)
{
	switch (result) {
	case PAM_SUCCESS:
		return PAM_VERDICT_GOOD;
	case PAM_AUTH_ERR:
	case PAM_USER_UNKNOWN:
	case PAM_MAXTRIES:
	case PAM_PERM_DENIED:
	case PAM_ACCT_EXPIRED:
	case PAM_NEW_AUTHTOK_REQD:
	case PAM_CRED_INSUFFICIENT:
		return PAM_VERDICT_DENIED;
	default:
		return PAM_VERDICT_UNAVAILABLE;
	}
}

static int
run(pam_handle_t *pamh, const char *name, const struct auth_client *client)
{
	const int flags = PAM_SILENT | PAM_DISALLOW_NULL_AUTHTOK;
	int result;

	if ((result = set_items(pamh, client)) != PAM_SUCCESS ||
	    (result = pam_authenticate(pamh, flags)) != PAM_SUCCESS ||
	    (result = pam_acct_mgmt(pamh, flags)) != PAM_SUCCESS)
		return result;
	return same_user(pamh, name);
}

enum pam_verdict
pam_attempt(const char *dir, const char *service,
    const struct auth_pam_attempt *a)
{
	char name[USERNAME_LOCAL_MAX + 1], password[PASSWORD_MAX + 1];
	struct pam_conv conv = { converse, password };
	pam_handle_t *pamh = NULL;
	int result;

	if (slice_copy_str(a->name, name, sizeof(name)) == -1 ||
	    slice_copy_str(a->password, password, sizeof(password)) == -1 ||
	    password[0] == '\0')
		return PAM_VERDICT_DENIED;
	result = pam_start_confdir(service, name, &conv, dir, &pamh);
	if (result == PAM_SUCCESS)
		result = run(pamh, name, &a->client);
	if (result != PAM_SUCCESS)
		log_notice("pam-refused", LOG_CSTR("service", service),
		    LOG_CSTR("name", name),
		    LOG_CSTR("reason", pam_strerror(pamh, result)));
	if (pamh != NULL)
		pam_end(pamh, result);
	explicit_bzero(password, sizeof(password));
	return verdict_of(result);
}
