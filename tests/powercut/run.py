"""Run a power-cut experiment in namespaces of its own; prints one line of JSON.

run.py WHAT PROGRAM-FOLDER STATES [SEED]

WHAT is control-careful, control-careless, control-batch, or suite (which runs this file again
as suite-share, once for each core).  The mount and process
namespaces end with this process, and with them every mount, loop device and
process of the experiment.
"""

import json
import os
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

import lab as labs
import writers

MEBIBYTES = 24
MESSAGES = 12


def control(folder, program, most, what, seed):
    lab = labs.Lab(program, folder / "live", 1, MEBIBYTES)
    broken = writers.broken
    if what == "control-batch":
        writers.write_batches(lab, program.parent / "tests-bench-maildir",
                              MESSAGES)
        broken = writers.broken_batches
    else:
        writers.write(lab, MESSAGES, what == "control-careful")
    lab.close()
    log = labs.Log(lab.log, 1, MEBIBYTES)
    tried, bad = 0, []
    for point, how, images in labs.states(log, folder / "state", most,
                                          seed=seed):
        tried += 1
        mnt = folder / "mnt"
        labs.mount_image(images[0], mnt)
        wrong = broken(mnt, log.marks_before(point))
        labs.unmount(mnt)
        bad += [f"point {point} ({how[0]}): {w}" for w in wrong]
    return {"states": tried, "bad": len(bad), "examples": bad[:5],
            "writes": log.count(labs.WRITE), "flushes": log.count(labs.FLUSH)}


def main():
    what, bin_dir, most = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    seed = int(sys.argv[4]) if len(sys.argv) > 4 else 1
    program = bin_dir / "tests-powercut-disk"
    if what == "suite-share":
        import suite
        suite.share(Path(sys.argv[5]), int(sys.argv[6]), int(sys.argv[7]),
                    most, seed)
        return
    shm = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="bulkhead-powercut-", dir=shm) as t:
        if what.startswith("control-"):
            result = control(Path(t), program, most, what, seed)
        else:
            import suite
            result = suite.experiment(Path(t), bin_dir, most, seed)
    print(json.dumps(result))


def isolated(what, bin_dir, most, seed=1, timeout=900):
    """Run this file in its own namespaces and return its result."""
    import subprocess
    r = subprocess.run(
        ["unshare", "--mount", "--propagation", "private", "--pid", "--fork",
         "--kill-child", "--mount-proc", sys.executable, __file__, what,
         str(bin_dir), str(most), str(seed)],
        stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=timeout)
    if r.returncode != 0:
        raise RuntimeError(f"{what}: {r.stdout}{r.stderr}")
    return json.loads(r.stdout.splitlines()[-1])


if __name__ == "__main__":
    main()
