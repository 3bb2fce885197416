/* The growing result of the structure parser; private to common/message. */
#ifndef COMMON_MESSAGE_STRUCTURE_BUILD_H
#define COMMON_MESSAGE_STRUCTURE_BUILD_H

#include "common/message/structure.h"

struct mime_builder {
	struct mime		*mime;
	const struct mime_limits *limits;
	size_t			 steps;
	bool			 no_memory;
};

/* A new, empty part of text/plain; MIME_NONE when memory is short. */
uint32_t mime_build_part(struct mime_builder *, uint32_t parent,
    struct mime_place header);

/*
 * Read the header section of a part into it: its type, encoding, disposition
 * and, for a message, its envelope.
 *
 * boundary  set to the boundary parameter of a multipart; absent otherwise.
 *           A multipart without one becomes text/plain.
 */
void mime_build_header(struct mime_builder *, uint32_t part,
    struct slice section, struct mime_str *boundary);

#endif
