/* Words lie in the room, in order, each with its NUL; and one that is quoted
 * again comes back the same. */
#include <stdint.h>
#include <stdlib.h>

#include "common/accounts/command_line.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

enum { ROOM = 512 };

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *room = malloc(ROOM), *end;
	struct command_line line;

	if (command_line_split(slice_of(data, size), &line, room, ROOM) ==
	    COMMAND_OK) {
		end = room;
		if (line.argc == 0 || line.argc > COMMAND_WORDS_MAX ||
		    line.argv[line.argc] != NULL)
			abort();
		for (size_t i = 0; i < line.argc; i++) {
			if (line.argv[i] != end)
				abort();
			end += strlen(end) + 1;
			if (end > room + ROOM)
				abort();
		}
	}
	free(room);
	return 0;
}
