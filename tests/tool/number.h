/* Numbers in the arguments of tools; a wrong one ends the program. */
#ifndef TESTS_TOOL_NUMBER_H
#define TESTS_TOOL_NUMBER_H

/* The number that text is, least to most; else a sentence and status 64. */
unsigned tool_number(const char *text, unsigned least, unsigned most);

#endif
