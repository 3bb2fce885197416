"""doc/standards.md and doc/clients.md name tests, and each of them is there."""

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
