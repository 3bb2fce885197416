"""What the demonstration puts on the screen: in colour and at a reader's pace
on a terminal, plain and at once elsewhere."""

import os
import shutil
import sys
import time

TERMINAL = sys.stdout.isatty()
COLOUR = (TERMINAL and not os.environ.get("NO_COLOR")
          and os.environ.get("TERM", "dumb") != "dumb")
WIDTH = min(shutil.get_terminal_size((80, 24)).columns, 100)
UTF8 = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"

CODES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33",
         "blue": "34", "magenta": "35", "cyan": "36"}


def paint(text, *how):
    if not COLOUR or not how:
        return text
    return f"\033[{';'.join(CODES[h] for h in how)}m{text}\033[0m"


def plain(text):
    """Octets of a message may hold anything; a terminal gets none of it."""
    out = "".join(c if c.isprintable() else "?"
                  for c in text.expandtabs(8))
    return out if UTF8 else out.encode("ascii", "replace").decode()


def pause(seconds):
    if TERMINAL:
        time.sleep(seconds)


def say(text="", *how):
    print(paint(plain(text), *how) if text else "", flush=True)


def chapter(number, title):
    pause(0.6)
    say()
    mark = "━" if UTF8 else "-"
    head = f"{number}. {title} "
    print(paint(head, "bold", "cyan")
          + paint(mark * max(4, WIDTH - len(head)), "cyan"), flush=True)
    pause(0.4)


def note(text):
    """An explanation, wrapped."""
    line = ""
    for word in text.split():
        if len(line) + len(word) + 1 > WIDTH - 2:
            say("  " + line, "dim")
            line = ""
        line = f"{line} {word}".strip()
    if line:
        say("  " + line, "dim")


def command(text):
    say(f"  $ {text}", "bold")
    pause(0.3)


def line(left, text, *how):
    """One line of a dialogue or of a file."""
    text = plain(text)
    if len(text) > WIDTH - 6:
        text = text[:WIDTH - 9] + "..."
    print(f"  {paint(left, 'dim')} {paint(text, *how)}", flush=True)
    pause(0.05)


def done(text):
    tick = "✓" if UTF8 else "ok:"
    print(f"  {paint(tick, 'green', 'bold')} {plain(text)}", flush=True)
    pause(0.2)


def failed(text):
    cross = "✗" if UTF8 else "FAILED:"
    print(f"  {paint(cross, 'red', 'bold')} {plain(text)}", flush=True)


def table(rows, head=None):
    """Columns as wide as their widest cell."""
    every = ([head] if head else []) + rows
    widths = [max(len(str(r[i])) for r in every) for i in range(len(every[0]))]
    for row in every:
        text = "  ".join(str(c).ljust(w) for c, w in zip(row, widths))
        say("    " + text.rstrip(), *(["dim"] if row is head else []))
        pause(0.03)
