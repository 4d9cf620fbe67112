"""/sys and /proc of real machines, read without hwloc and counted by the real lstopo."""

from __future__ import annotations

import re
import shutil
import subprocess
import tarfile
from collections import Counter

import pytest
from tests.describe.hardware import counts, files

from timonier.describe.discover.found import machine_of
from timonier.describe.discover.limits import Limits, read_limits
from timonier.describe.discover.sysfs import read_sysfs, slot_of
from timonier.describe.discover.tree import Tree

QUICK = ("20em64t-hybrid-1p6c2t+2ca4co1t", "64fake-4n2s2ca2c2t", "256ppc-8n8s4t", "offline-cpu0-node0")
FILES = [
    pytest.param(
        *one.values,
        id=one.id,
        marks=[*one.marks, *([] if one.id.removesuffix(".tar.bz2") in QUICK else [pytest.mark.long])],
    )
    for one in files("hw-hwloc", "*.tar.bz2")
]
needs_lstopo = pytest.mark.skipif(
    shutil.which("lstopo") is None, reason="needs lstopo: apt-get install hwloc"
)
# where the kernel's own words and hwloc's count differ, and why
OTHERWISE = {
    "16amd64-4n4c-cgroup-distance-merge": "hwloc follows the cpuset of the mounted cgroup",
    "16amd64-8n2c-cpusets": "hwloc follows the cpuset of the mounted cgroup",
    "16em64t-4s2ca2c-cpusetreorder": "hwloc follows the cpuset of the mounted cgroup",
    "32amd64-4s2n4c-cgroup2": "hwloc follows the cpuset of the mounted cgroup",
    "40intel64-4n10c+pci-conflicts": "hwloc drops a package that it finds in conflict",
    "4fake-4gr1nu1pu": "hwloc takes only what the cgroup allows",
    "64amd64-4s2n4ca2co": "the kernel takes the two halves of a Bulldozer module for threads of one core",
    "8em64t-2s2ca2c-buggynuma": "hwloc mistrusts the kernel's memory domains",
    "test1.fsroot": "there is no topology in it",
    "64amd64-4p2n4ca2co": "there is no topology in it",
    "fakeheterocpunuma": "hwloc drops memory domains that are empty",
    "fakememinitiators-1np2c+1npp+gi": "hwloc drops memory domains that are empty",
    "nvidiagpunumanodes": "hwloc drops the memory of GPUs",
}


def unpack(path, folder):
    with tarfile.open(path) as archive:
        archive.extractall(  # noqa: S202  the filter leaves devices out
            folder, filter=lambda member, _: member if not member.isdev() else None
        )
    inside = list(folder.iterdir())
    return inside[0] if len(inside) == 1 else folder


@needs_lstopo
@pytest.mark.parametrize("path", FILES)
def test_the_counts_are_those_of_lstopo(path, tmp_path):
    name = path.name.removesuffix(".tar.bz2")
    root = unpack(path, tmp_path)
    ours = counts(machine_of(read_sysfs(Tree(root))))
    if name in OTHERWISE:
        pytest.skip(OTHERWISE[name])
    text = subprocess.run(
        ["lstopo", "--of", "console", "--no-io", "--if", "fsroot", "-i", str(root)],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    theirs = Counter(re.findall(r"(Package|Die|NUMANode|Core|PU)(?:\(\w+\))? L#\d+", text))
    expected = ("Package", "Die", "NUMANode", "Core", "PU")
    assert [theirs[word] for word in expected] == [
        ours[key] for key in ("packages", "dies", "numa", "cores", "threads")
    ]


def write(root, path, text):
    file = root / path.lstrip("/")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def test_the_slot_is_read_as_it_runs(tmp_path):
    write(tmp_path, "/sys/bus/pci/devices/0000:01:00.0/current_link_width", "16\n")
    write(tmp_path, "/sys/bus/pci/devices/0000:01:00.0/current_link_speed", "16.0 GT/s PCIe\n")
    assert slot_of(Tree(tmp_path), "0000:01:00.0") == (16, 31_507_692_308)
    assert slot_of(Tree(tmp_path), "0000:02:00.0") == (None, None)


def test_limits_of_version_2_are_the_tightest_on_the_way_up(tmp_path):
    write(tmp_path, "/proc/self/cgroup", "0::/slurm/job_7\n")
    write(tmp_path, "/sys/fs/cgroup/cgroup.controllers", "cpu memory\n")
    write(tmp_path, "/sys/fs/cgroup/slurm/job_7/cpu.max", "max 100000\n")
    write(tmp_path, "/sys/fs/cgroup/slurm/cpu.max", "150000 100000\n")
    write(tmp_path, "/sys/fs/cgroup/slurm/job_7/memory.max", "1073741824\n")
    write(tmp_path, "/sys/fs/cgroup/slurm/memory.max", "max\n")
    assert read_limits(Tree(tmp_path)) == Limits(2, 1.5, 2**30)


def test_limits_of_version_1(tmp_path):
    write(tmp_path, "/proc/self/cgroup", "5:memory:/docker/a\n4:cpu,cpuacct:/docker/a\n")
    write(tmp_path, "/sys/fs/cgroup/memory/docker/a/memory.limit_in_bytes", "2147483648\n")
    write(tmp_path, "/sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n")
    write(tmp_path, "/sys/fs/cgroup/cpu,cpuacct/docker/a/cpu.cfs_quota_us", "50000\n")
    write(tmp_path, "/sys/fs/cgroup/cpu,cpuacct/docker/a/cpu.cfs_period_us", "100000\n")
    write(tmp_path, "/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "-1\n")
    assert read_limits(Tree(tmp_path)) == Limits(1, 0.5, 2**31)


def test_without_a_control_group_there_is_no_limit(tmp_path):
    assert read_limits(Tree(tmp_path)) == Limits()
