"""The controls: a writer whose order of calls must lose mail in a power cut,
and one whose order must not.  If the first one passes, the disks lie; if the
second one fails, they do too."""

import os
import subprocess


def _deliver(folder, name, octets, sync_folder):
    fd = os.open(folder / "tmp" / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    os.write(fd, octets)
    os.fsync(fd)
    os.close(fd)
    os.rename(folder / "tmp" / name, folder / "new" / name)
    if sync_folder:
        fd = os.open(folder / "new", os.O_RDONLY | os.O_DIRECTORY)
        os.fsync(fd)
        os.close(fd)


def content(name):
    return (f"message {name}\n" * 300).encode()


def write(lab, messages, careful):
    """Deliver messages into disk 0, and mark each when a careful or a
    careless program would call it delivered."""
    folder = lab.mnt[0]
    for d in ("tmp", "new"):
        os.mkdir(folder / d)
    os.sync()
    lab.mark("begin")
    for i in range(messages):
        _deliver(folder, f"m{i}", content(f"m{i}"), careful)
        lab.mark(f"m{i}")


def broken(folder, promised):
    """What is wrong with a recovered folder: promised names that are not
    there, and names that are there and not whole."""
    there = {p.name: p.read_bytes() for p in (folder / "new").iterdir()}
    lost = [f"lost {n}" for n in promised if n not in there]
    half = [f"half {n}" for n, b in there.items() if b != content(n)]
    return lost + half


def write_batches(lab, program, rounds):
    """Batches of eight by the code that delivers into Maildirs, each into a
    Maildir of its own; marked when the batch was answered."""
    os.sync()
    lab.mark("begin")
    for i in range(rounds):
        home = lab.mnt[0] / f"b{i}"
        os.mkdir(home)
        subprocess.run([program, home, "1", "8", "8", "3000"], check=True,
                       stdout=subprocess.DEVNULL)
        lab.mark(f"b{i}")


def broken_batches(folder, promised):
    """A promised batch is there, all eight; whatever is there is whole."""
    wrong = []
    for home in folder.glob("b*"):
        files = list(home.glob("0/Maildir/new/*"))
        if home.name in promised and len(files) != 8:
            wrong.append(f"lost {8 - len(files)} of {home.name}")
        for f in files:
            octets = f.read_bytes()
            size = int(f.name.split(",S=")[1].split(",")[0])
            if len(octets) != size or b"\0" in octets:
                wrong.append(f"half {home.name}/{f.name}")
    names = {h.name for h in folder.glob("b*")}
    return wrong + [f"lost {n}" for n in promised
                    if n.startswith("b") and n != "begin" and n not in names]
