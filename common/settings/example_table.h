/* A table with every type, for the tests and the fuzz target. */
#ifndef COMMON_SETTINGS_EXAMPLE_TABLE_H
#define COMMON_SETTINGS_EXAMPLE_TABLE_H

#include "common/settings/settings.h"

#define EXAMPLE_SETTINGS(X)						\
	X(strict, BOOL, "yes", "", "", RELOAD, "Be strict.")		\
	X(timeout, SECONDS, "5m", "10s", "1h", RELOAD, "Silence allowed.") \
	X(max_size, SIZE, "35M", "64K", "2G", RELOAD, "Largest message.") \
	X(max_sessions, COUNT, "2000", "1", "50000", RESTART, "Sessions.") \
	X(greeting, STRING, "", "0", "20", RELOAD, "Said first.")	\
	X(spool, PATH, "/var/spool", "", "", RESTART, "Where mail waits.") \
	X(bare_lf, ENUM, "refuse", "refuse|convert|accept", "", RELOAD,	\
	    "What to do with a bare LF.")				\
	X(names, WORDS, "a b", "0", "5", RELOAD, "Some names.")

#define EXAMPLE_LISTENER_SETTINGS(X)					\
	X(address, ADDRESSES, NULL, "1", "8", RESTART, "Where to listen.") \
	X(backlog, COUNT, "128", "1", "4096", RESTART, "Waiting ones.")

struct example_settings {
	EXAMPLE_SETTINGS(SETTING_MEMBER)
};

struct example_listener {
	EXAMPLE_LISTENER_SETTINGS(SETTING_MEMBER)
};

#define EXAMPLE_ROW(...) SETTING_ROW(struct example_settings, __VA_ARGS__)
#define EXAMPLE_LISTENER_ROW(...) \
	SETTING_ROW(struct example_listener, __VA_ARGS__)

static const struct setting example_rows_[] = { EXAMPLE_SETTINGS(EXAMPLE_ROW) };
static const struct setting example_listener_rows[] = {
	EXAMPLE_LISTENER_SETTINGS(EXAMPLE_LISTENER_ROW)
};
static const struct settings_block example_blocks[] = {
	{ "listener", example_listener_rows, 2,
	    sizeof(struct example_listener), 4,
	    "listener smtp {\n\taddress = *:25\n}\n", "Where mail comes in." },
};
static const struct settings_schema example_schema = {
	.file = "x.conf", .size = sizeof(struct example_settings),
	SETTINGS_ROWS(example_rows_), SETTINGS_BLOCKS(example_blocks),
};

#endif
