"""A Maildir at home that a client keeps like a mailbox on the server."""

import os

from .world import letter, number_of

LETTERS = {"\\Seen": "S", "\\Answered": "R", "\\Flagged": "F",
           "\\Draft": "D", "\\Deleted": "T"}


class Home:
    """Flags are the letters of a Maildir, on both sides."""

    def __init__(self, desk, doors, name):
        self.desk, self.doors = desk, doors
        self.mail = desk.home / name

    def files(self, folder="INBOX"):
        """{number: path}"""
        found = {}
        for sub in "new", "cur":
            for path in (self.mail / folder / sub).iterdir():
                number = number_of(path.read_bytes())
                assert number not in found, f"{number} is there twice"
                found[number] = path
        return found

    def near(self, folder="INBOX"):
        return {n: set(p.name.partition(":2,")[2])
                for n, p in self.files(folder).items()}

    def far(self, folder="INBOX"):
        return {n: {LETTERS[f] for f in flags if f in LETTERS}
                for n, flags in self.doors.letters(folder).items()}

    def alike(self, *folders):
        """What is in the first of them."""
        for folder in folders:
            assert self.near(folder) == self.far(folder), folder
        return self.near(folders[0])

    def flag(self, number, letters, folder="INBOX"):
        """As a mail program at home would."""
        path = self.files(folder)[number]
        name, _, old = path.name.partition(":2,")
        os.rename(path, self.mail / folder / "cur" /
                  f"{name}:2,{''.join(sorted(set(old + letters)))}")

    def write(self, number, folder="INBOX"):
        """A new letter, in a new folder, too."""
        for sub in "tmp", "new", "cur":
            (self.mail / folder / sub).mkdir(parents=True, exist_ok=True)
        (self.mail / folder / "new" / f"{number}.here").write_bytes(
            letter(number).replace(b"\r\n", b"\n"))
