/* bulkhead(8).  Which subcommand is meant; the rest is theirs. */
#include "bulkhead/bulkhead.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

static int
usage(FILE *to)
{
	fputs("usage: bulkhead [-C directory] command ...\n\n", to);
	for (size_t i = 0; i < command_count; i++) {
		char form[64];

		snprintf(form, sizeof(form), "%s%s%s", commands[i].name,
		    commands[i].arguments[0] == '\0' ? "" : " ",
		    commands[i].arguments);
		fprintf(to, "  %-33s %s\n", form, commands[i].meaning);
	}
	return to == stdout ? 0 : EX_USAGE;
}

/* How many words of argv the command's name takes; 0: it is another one. */
static int
words_of(const struct command *c, int argc, char *argv[])
{
	const char *blank = strchr(c->name, ' ');
	size_t first = blank == NULL ? strlen(c->name) :
				       (size_t)(blank - c->name);

	if (argc < 1 || strlen(argv[0]) != first ||
	    strncmp(argv[0], c->name, first) != 0)
		return 0;
	if (blank == NULL)
		return 1;
	return argc > 1 && strcmp(argv[1], blank + 1) == 0 ? 2 : 0;
}

static int
run(struct bulkhead *b, int argc, char *argv[])
{
	for (size_t i = 0; i < command_count; i++) {
		const struct command *c = &commands[i];
		int words = words_of(c, argc, argv), status;

		if (words == 0)
			continue;
		argc -= words;
		argv += words;
		if (argc < c->min || argc > c->max)
			return fail(EX_USAGE, "usage: bulkhead %s %s", c->name,
			    c->arguments);
		if ((status = instance_open(b, !c->bare)) == 0)
			status = c->run(b, argc, argv);
		instance_close(b);
		return status;
	}
	if (argc > 0)
		fail(EX_USAGE, "there is no command \"%s\"", argv[0]);
	return usage(stderr);
}

int
main(int argc, char *argv[])
{
	struct bulkhead b = { .conf_dir = BULKHEAD_SYSCONFDIR, .conf_fd = -1 };
	int c;

	signal(SIGPIPE, SIG_IGN);
	while ((c = getopt(argc, argv, "+C:h")) != -1)
		switch (c) {
		case 'C':
			b.conf_dir = optarg;
			break;
		case 'h':
			return usage(stdout);
		default:
			return usage(stderr);
		}
	return run(&b, argc - optind, argv + optind);
}
