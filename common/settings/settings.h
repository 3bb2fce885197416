/*
 * Settings: each stage declares its parameters in one table, and the table is
 * the parser, the checker, the manual page's list and `bulkhead config`.
 *
 *	#define SMTPD_SETTINGS(X)					\
 *		X(max_message_size, SIZE, "35M", "64K", "2G", RELOAD,	\
 *		    "Largest message accepted; announced as SIZE.")	\
 *		X(bare_lf, ENUM, "refuse", "refuse|convert", "", RELOAD, \
 *		    "What to do with a line feed without its CR.")
 *	struct smtpd_settings {
 *		SMTPD_SETTINGS(SETTING_MEMBER)
 *	};
 *	#define ROW(...) SETTING_ROW(struct smtpd_settings, __VA_ARGS__)
 *	static const struct setting rows[] = { SMTPD_SETTINGS(ROW) };
 *	const struct settings_schema smtpd_schema = {
 *		.file = "smtpd.conf", .size = sizeof(struct smtpd_settings),
 *		SETTINGS_ROWS(rows),
 *	};
 *
 * Columns: name, type, standard value (NULL: it must be given), least and
 * greatest value, RELOAD or RESTART (what applies a change), meaning.
 *
 *	type		C type		least, greatest
 *	BOOL		bool		"", ""
 *	SECONDS		uint64_t	as values: 90 10s 5m 2h 5d 1w
 *	SIZE		uint64_t	as values, in octets: 512 64K 35M 2G
 *	COUNT		uint64_t	as values
 *	STRING		const char *	lengths in octets
 *	PATH		const char *	"", ""; begins with /
 *	ENUM		int		"first|second|third", ""; 0, 1, 2
 *	WORDS		settings_words	numbers of words
 *	ADDRESSES	settings_addresses	numbers of addresses
 *
 * A file is text: `name = value`, `# comment`, `"quoted \" text"`, blocks
 * `listener NAME { ... }` with one setting a line, and perhaps `%version 1`
 * as its first line.  It is taken whole or not at all.
 */
#ifndef COMMON_SETTINGS_SETTINGS_H
#define COMMON_SETTINGS_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>

#include "common/slice/slice.h"

#define SETTINGS_FILE_MAX	(1024 * 1024)	/* octets of a file */
#define SETTINGS_LINE_MAX	4096		/* octets of a line */
#define SETTINGS_NAME_MAX	64		/* octets of a name */
#define SETTINGS_ERRORS_MAX	20		/* kept for one file */
#define SETTINGS_LIST_MAX	1024		/* words of one value */

struct settings_words {
	size_t			 n;
	const char		**at;
};

struct settings_address {
	struct sockaddr_storage	 sa;	/* AF_INET or AF_INET6 */
	socklen_t		 len;
};

/*
 * 127.0.0.1:25 [::1]:25, and *:25 for all addresses: one entry for each
 * family then, the AF_INET6 one meant for a socket with IPV6_V6ONLY.
 */
struct settings_addresses {
	size_t			 n;
	struct settings_address	*at;
};

enum setting_type {
	SETTING_BOOL, SETTING_SECONDS, SETTING_SIZE, SETTING_COUNT,
	SETTING_STRING, SETTING_PATH, SETTING_ENUM, SETTING_WORDS,
	SETTING_ADDRESSES
};

enum setting_when {
	SETTING_RELOAD,		/* a reload applies it */
	SETTING_RESTART		/* needs a restart of the stage */
};

struct setting {
	const char		*name;
	enum setting_type	 type;
	const char		*standard;
	const char		*min;
	const char		*max;
	enum setting_when	 when;
	const char		*meaning;
	size_t			 offset;	/* in the stage's struct */
};

#define SETTING_C_BOOL		bool
#define SETTING_C_SECONDS	uint64_t
#define SETTING_C_SIZE		uint64_t
#define SETTING_C_COUNT		uint64_t
#define SETTING_C_STRING	const char *
#define SETTING_C_PATH		const char *
#define SETTING_C_ENUM		int
#define SETTING_C_WORDS		struct settings_words
#define SETTING_C_ADDRESSES	struct settings_addresses

#define SETTING_MEMBER(name, type, ...) SETTING_C_##type name;
#define SETTING_ROW(tag, name, type, standard, min, max, when, meaning)	\
	{ #name, SETTING_##type, standard, min, max, SETTING_##when,	\
	    meaning, offsetof(tag, name) },
#define SETTINGS_ROWS(a) .rows = (a), .n_rows = sizeof(a) / sizeof((a)[0])
#define SETTINGS_BLOCKS(a) \
	.blocks = (a), .n_blocks = sizeof(a) / sizeof((a)[0])

struct settings;
struct settings_errors;

/* A kind of block: `kind NAME { ... }`. */
struct settings_block {
	const char		*kind;
	const struct setting	*rows;
	size_t			 n_rows;
	size_t			 size;		/* of the values struct */
	size_t			 max;		/* how many there may be */
	/* What a file without any such block is taken to hold, or NULL. */
	const char		*standard;
	const char		*meaning;
};

struct settings_schema {
	const char		*file;		/* "smtpd.conf" */
	const struct setting	*rows;
	size_t			 n_rows;
	size_t			 size;		/* of the values struct */
	const struct settings_block *blocks;
	size_t			 n_blocks;
	/* The reader knows these blocks and nothing else of the file: what
	 * it does not know is passed over, for the stage itself to judge. */
	bool			 only_blocks;
	/* What no row can say alone, or NULL: settings_complain() for each
	 * thing that is wrong.  Called when the rows themselves are right. */
	void			(*check)(const struct settings *,
				    struct settings_errors *);
};

/* One block that a file holds. */
struct settings_group {
	const struct settings_block *block;
	const char		*name;
	const void		*values;	/* the block's struct */
	unsigned		 line;		/* 0: the standard one */
};

/* What is wrong, a sentence each: "smtpd.conf:3: what: what would be right". */
struct settings_errors {
	size_t	n;
	char	at[SETTINGS_ERRORS_MAX][512];
};

/*
 * Read a file.  fd is borrowed, read with pread from its start; -1 means that
 * there is no file, so that all values are the standard ones.  Returns NULL
 * and at least one error when anything at all is wrong; the result is the
 * caller's, for settings_free().
 */
struct settings *settings_read(const struct settings_schema *, int fd,
    struct settings_errors *);
/* The same for text in memory. */
struct settings *settings_parse(const struct settings_schema *, struct slice,
    struct settings_errors *);
/* NULL is accepted. */
void settings_free(struct settings *);

/* The stage's struct; it lives as long as the settings. */
const void *settings_values(const struct settings *);
/* The blocks in the order of the file. */
size_t settings_n_groups(const struct settings *);
const struct settings_group *settings_group(const struct settings *, size_t i);

/* The line where name was set, in group or outside of any (NULL); 0: nowhere,
 * it is the standard. */
unsigned settings_line(const struct settings *, const struct settings_group *,
    const char *name);

/*
 * For checks across settings, which a stage makes itself: add one error about
 * the line where name was set, in group or outside of any (NULL).
 */
void settings_complain(struct settings_errors *, const struct settings *,
    const struct settings_group *, const char *name, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

/* The parameter list of a manual page, in mdoc(7). */
void settings_print_manual(FILE *, const struct settings_schema *);
/* An example file: every setting, commented out, with its meaning. */
void settings_print_example(FILE *, const struct settings_schema *);
/* What is in force, one per line, and where each value comes from. */
void settings_print_listing(FILE *, const struct settings *);
/* What a setting takes, in words: "a time such as 10s, 5m or 2h". */
const char *setting_wants(const struct setting *);

#endif
