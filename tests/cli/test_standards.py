"""doc/standards.md, doc/sending.md, doc/clients.md and doc/imap-and-pop3.md name
tests, and each of them is there; the last has every command and every
capability."""

import re
from pathlib import Path

TREE = Path(__file__).resolve().parents[2]
TEXT = (TREE / "doc/standards.md").read_text()
ROWS = re.findall(r"^\| (\d{3,4}) \| ([^|]+) \| ([^|]+) \|$", TEXT, re.M)


def exists(file, name):
    """A function that a test runner would run."""
    path = TREE / file
    if not path.is_file() or not path.name.startswith("test_"):
        return False
    text = path.read_text()
    if path.suffix == ".py":
        return name.startswith("test_") and re.search(
            rf"^def {name}\(", text, re.M)
    # Defined, and in the list that is run.
    return re.search(rf"^{name}\(void \*\*", text, re.M) and re.search(
        rf"\b(?:T|cmocka_unit_test\w*)\({name}\b", text)


def test_each_row_names_tests_that_are_there():
    assert len(ROWS) > 60
    for number, _, cell in ROWS:
        tests = re.findall(r"`([^`]+)`", cell)
        assert tests, number
        assert re.sub(r"`[^`]+`", "", cell).strip() == "", (number, cell)
        for test in tests:
            file, _, name = test.partition("::")
            assert exists(file, name), f"RFC {number}: {test}"


def test_no_row_is_left_out_by_a_slip():
    """Every line of a table is a row as this test reads it, in order."""
    for section in TEXT.split("\n## ")[1:]:
        lines = [l for l in section.splitlines() if l.startswith("|")][2:]
        numbers = [re.match(r"\| (\d{3,4}) \| [^|]+ \| [^|]+ \|$", l)
                   for l in lines]
        assert lines and all(numbers), section
        numbers = [int(m[1]) for m in numbers]
        assert numbers == sorted(set(numbers)), section


def test_what_is_sent_names_tests_that_are_there():
    rows = re.findall(r"^\| ([^|`]+) \| ([^|]+) \|$",
                      (TREE / "doc/sending.md").read_text(), re.M)[1:]
    assert len(rows) > 10
    for what, cell in rows:
        tests = re.findall(r"`([^`]+)::([^`]+)`", cell)
        assert tests, what
        for file, name in tests:
            assert exists(file, name), f"{what}: {file}::{name}"


def test_what_clients_did_is_tested():
    """Each test of real clients is named once, and each that is named is
    there."""
    text = (TREE / "doc/clients.md").read_text()
    named = re.findall(r"`(tests/[^`]+)::([^`]+)`", text)
    for file, name in named:
        assert exists(file, name), f"{file}::{name}"
    there = {(str(path.relative_to(TREE)), name)
             for path in (TREE / "tests/clients").glob("test_*.py")
             for name in re.findall(r"^def (test_\w+)\(", path.read_text(),
                                    re.M)}
    assert there and there <= set(named)
    assert len(named) == len(set(named))


COMMANDS = (TREE / "doc/imap-and-pop3.md").read_text()


def rows_of(title):
    """{first column: tests} of a table."""
    section = COMMANDS.split(f"\n## {title}\n")[1].split("\n## ")[0]
    lines = [l for l in section.splitlines() if l.startswith("|")][2:]
    cells = [[c.strip() for c in l.strip("|").split("|")] for l in lines]
    names = [c[0] for c in cells]
    assert len(names) == len(set(names)), title
    return {c[0]: re.findall(r"`([^`]+)`", c[-1]) for c in cells}


def test_commands_and_capabilities_name_tests_that_are_there():
    tests = re.findall(r"`(\S+::\S+)`", COMMANDS)
    assert len(tests) > 150
    for test in tests:
        file, _, name = test.partition("::")
        assert exists(file, name), test
    for title in ("IMAP commands", "IMAP capabilities", "POP3 commands",
                  "POP3 capabilities"):
        assert all(rows_of(title).values()), title


def source(path, pattern):
    found = re.findall(pattern, (TREE / path).read_text())
    assert found, path
    return found


def test_every_imap_command_has_a_row():
    session = source("imapd/session/command.h", r"X\((\w+),\s+\w+,\s+"
                     r"(?:ANY|SELECTED),\s+(true|false)\)")
    gate = source("imapd/authentication.c", r'\{ "([A-Z]+)", do_')
    assert set(rows_of("IMAP commands")) == set(gate) | {
        n for n, _ in session} | {"UID " + n for n, uid in session
                                  if uid == "true"}


def test_every_pop3_command_has_a_row():
    pattern = r'\{ "(\w+)", do_'
    assert set(rows_of("POP3 commands")) == set(
        source("pop3d/authorization.c", pattern)) | set(
        source("pop3d/session/commands.c", pattern))


def test_every_capability_has_a_row():
    session = source("imapd/session/capability.h", r'X\(\w+,\s+"([^"]+)"\)')
    gate = source("imapd/authentication.c", r'c, " ([A-Z-]+)%s')
    # what depends on the listener, and what is made from other tables
    made = {"STARTTLS", "LOGINDISABLED", "AUTH=PLAIN"}
    assert set(rows_of("IMAP capabilities")) == set(session) | set(gate) | made
    lines = source("pop3d/authorization.h", r"(?:^|\")([A-Z0-9-]+)(?= |\\r)")
    lines += source("pop3d/authorization.h", r"\\r\\n([A-Z0-9-]+)(?= |\\r)")
    assert set(rows_of("POP3 capabilities")) == set(lines) | {
        "USER", "SASL", "STLS"}
