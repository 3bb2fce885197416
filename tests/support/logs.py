"""Log lines as dictionaries: event=mail-accepted queue=... from="..." """

import re

FIELD = re.compile(r'([A-Za-z0-9_.-]+)=("(?:[^"\\]|\\.)*"|\S*)')
ESCAPE = re.compile(r'\\(x[0-9a-fA-F]{2}|.)')


def _plain(value):
    if not value.startswith('"'):
        return value
    return ESCAPE.sub(
        lambda m: chr(int(m[1][1:], 16)) if len(m[1]) == 3 else m[1],
        value[1:-1])


def parse(line):
    return {k: _plain(v) for k, v in FIELD.findall(line)}


def read(path):
    with open(path, errors="replace") as f:
        return [parse(line) for line in f]


# What the sanitizers say when they have found something.
SANITIZER = re.compile(
    r"(ERROR: (Address|Leak|Undefined|Memory)|runtime error:|"
    r"SUMMARY: \w*Sanitizer)")


def sanitizer_reports(path):
    with open(path, errors="replace") as f:
        return [line.rstrip() for line in f if SANITIZER.search(line)]
