"""Feed damaged files to every reader for a while: only a job table or one of our errors may come out.

    python tests/workload/fuzz_readers.py --seconds 600 [--seed 1]

A file that makes anything else happen (another exception, a crash, a table that does not survive being
written and read) is kept in tests/workload/seeds/, which test_seeds.py replays.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import io
import multiprocessing
import random
import resource
import sys
import tempfile
import time
import traceback
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from timonier.kit.errors import TimonierError
from timonier.workload import read_workload, write_table
from timonier.workload.page import render_page
from timonier.workload.summary import summarise

SEEDS = Path(__file__).parent / "seeds"
SWF = b"""; MaxJobs: 4
; MaxProcs: 8
; UnixStartTime: 835823160
1 0 10 937 6 142.00 -1 -1 35100 -1 1 97 -1 307 3 -1 -1 -1
2 0 -1 20 -1 -1 -1 2 100 64 1 5 1 1 0 2 1 30
 3  5 7 0 1 -1 -1 1 10 -1 1 1 1 -1 -1 -1 -1 -1
4 9 7 11.5 3 -1 -1 3 10 -1 1 1 1 -1 -1 -1 -1 -1
"""
WAGAP = b"""0 1356996147 0 56011 64 1 1024 64 86400 68719476736 1 62 1 1 -1 1 1 1 {1,2} q_1d 1:ppn=64
1 1356996695 71 1164 12 1 1024 12 1209600 91268055040 1 101 1 1 -1 1 1 1 {3} q_2w 1:ppn=12
"""
CSV = b"""job_id,user,submit_s,runtime_s,time_limit_s,tasks,cores,memory_bytes,gpus,gpu_types,mig,features,dependency,gang,extra
1,ana,0,3600,7200,1,8,68719476736,1,a100-40gb|h100-80gb,,,,true,x
2,ben,5,600,,1,2.5,,0.46,,,,,false,"a,b"
3,ben,9,inf,172800,16,8,,4,h100-80gb>a100-40gb,,ib&nvlink,,,7
4,ana,60,900.5,,1,1,,1,,1g.5gb,,"afterok:1,afterany:2:3",1,
"""
PHILLY = b"""timestamp,duration,num_gpus,gpu_time,cluster
2017-10-09 07:01:55,66.0,1,66.0,11cb48
2017-10-09 06:13:03,2951.0,4,2951.0,6214e9

"""
OPENB = b"""name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec,qos,pod_phase,creation_time,deletion_time,scheduled_time
p0,12000,16384,1,1000,,LS,Running,0,12537496,0
p1,6000,12288,1,460,V100M16|V100M32,LS,Pending,427061,12902960,
p2,6000,12288,2,1000,,BE,Failed,427061,12902960,427063
"""
WORDS = [
    b"nan", b"inf", b"-inf", b"-1", b"0", b"1e400", b"1e308", b"9" * 30, b"-9223372036854775808", b"1.5", b"",
    b'"', b'""', b";", b"; MaxProcs: -1\n", b",", b"\n", b"\r\n", b"\r", b"\t", b" ", b"\x00", b"\xff\xfe",
    b"\xc3\x28", b"true", b"null", b"0x10", b"1_000", b"+5", b"1e3", b"job_id", b"submit_s", b"state",
    b"afterok:1", b"PAR1", b"\x1f\x8b", b"9007199254740993", b"0.0005", "\u0661".encode(), b"\x1a", b"\x0b", b"\x0c",
]  # fmt: skip


def corpus() -> dict[str, bytes]:
    """Small valid files: name -> content."""
    return {
        "a.swf": SWF,
        "b.swf": WAGAP,
        "c.swf.gz": gzip.compress(SWF, mtime=0),
        "d.csv": CSV,
        "e.csv": PHILLY,
        "f.csv": OPENB,
        "g.parquet": _parquet(
            b'{"schema": "timonier/jobs/1", "epoch": "2020-01-01T00:00:00Z", "processors": 8}'
        ),
        "h.parquet": _parquet(
            b'{"schema": "timonier/state/1", "now_s": 50, "usage": [], "engine": {}}', True
        ),
        "i.log": SWF,
    }


def _parquet(metadata: bytes, state: bool = False) -> bytes:
    columns = {
        "job_id": ["1", "2"],
        "submit_s": [0, 60],
        "runtime_s": [10.0, 5.5],
        "tasks": [1, 2],
        "x": ["u", None],
    }
    if state:
        columns |= {"state": ["running", "pending"], "start_s": [3, None]}
    sink = io.BytesIO()
    pq.write_table(
        pa.table(columns).replace_schema_metadata({b"timonier": metadata}), sink, compression="none"
    )
    return sink.getvalue()


def mutate(data: bytes, rng: random.Random) -> bytes:
    """One to four small injuries."""
    content = bytearray(data)
    for _ in range(rng.choice([1, 1, 1, 2, 4])):
        here = rng.randrange(len(content) + 1)
        there = min(len(content), here + rng.choice([1, 1, 2, 8, 64]))
        kind = rng.randrange(7)
        if kind == 0 and content:
            content[here % len(content)] = rng.randrange(256)
        elif kind == 1:
            del content[here:there]
        elif kind == 2:
            content[here:here] = content[here:there] * rng.choice([1, 1, 50])
        elif kind == 3:
            content[here:here] = rng.choice(WORDS)
        elif kind in (4, 5):
            content = bytearray(_replace_cell(bytes(content), rng))
        else:
            content = content[: rng.randrange(len(content) + 1)] if rng.random() < 0.2 else content
    return bytes(content)


def _replace_cell(content: bytes, rng: random.Random) -> bytes:
    lines = content.split(b"\n")
    row = rng.randrange(len(lines))
    mark = b"," if b"," in lines[row] else b" "
    cells = lines[row].split(mark)
    cells[rng.randrange(len(cells))] = rng.choice(WORDS)
    lines[row] = mark.join(cells)
    return b"\n".join(lines)


def try_file(path: Path) -> str:
    """Give "table" or "refused"; anything else raises."""
    try:
        jobs = read_workload(path)
    except TimonierError:
        return "refused"
    assert jobs.cleaning.kept == len(jobs)
    summary = summarise(jobs)
    if random.random() < 0.05:  # plots are slow
        render_page(summary)
    with tempfile.TemporaryDirectory() as folder:
        for name in ("again.parquet", "again.swf"):
            write_table(jobs, Path(folder) / name)
        again = read_workload(Path(folder) / "again.parquet")
    assert again.table.equals(jobs.table), "what was written is not what is read"
    return "table"


def _work(folder: str, seconds: float, seed: int) -> None:
    """Fuzz until the time is over; a failing file is kept under its hash."""
    resource.setrlimit(resource.RLIMIT_AS, (6 << 30, 6 << 30))
    rng, files, end = random.Random(seed), list(corpus().items()), time.monotonic() + seconds
    tally = {"table": 0, "refused": 0, "failed": 0}
    while time.monotonic() < end:
        name, data = rng.choice(files)
        path = Path(folder) / f"current-{name}"
        path.write_bytes(mutate(data, rng))
        try:
            tally[try_file(path)] += 1
        except Exception:  # noqa: BLE001 (whatever it is, it is what we look for)
            tally["failed"] += 1
            keep(path)
            traceback.print_exc(limit=-3)
        path.unlink()
    print(tally, flush=True)


def keep(path: Path) -> None:
    """Save a failing file among the seeds."""
    SEEDS.mkdir(exist_ok=True)
    content = path.read_bytes()
    digest = hashlib.sha256(content).hexdigest()[:12]
    (SEEDS / f"{digest}-{path.name.removeprefix('current-')}").write_bytes(content)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    end, seed = time.monotonic() + asked.seconds, asked.seed
    while (left := end - time.monotonic()) > 0:
        with tempfile.TemporaryDirectory() as folder:
            worker = multiprocessing.get_context("spawn").Process(
                target=_work, args=(folder, min(left, 60), seed)
            )
            worker.start()
            worker.join(min(left, 60) + 60)
            if worker.exitcode != 0:
                worker.kill()
                print("worker died", worker.exitcode, flush=True)
                for path in Path(folder).glob("current-*"):
                    keep(path)
        seed += 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
