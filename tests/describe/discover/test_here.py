"""The machine that we run on, with other machines' answers in the place of its own."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from timonier.describe.discover.found import machine_of
from timonier.describe.discover.here import INSTALL, Sources, find_here
from timonier.describe.discover.nvml import Reading, gpus_of, read_nvml, switched
from timonier.describe.discover.tree import Tree
from timonier.kit.errors import MachineFailure

HWLOC = """<topology version="2.0"><object type="Machine" cpuset="0x3" allowed_cpuset="0x3">
<object type="Package" cpuset="0x3"><info name="CPUModel" value="AMD EPYC 7763 64-Core Processor"/>
<object type="NUMANode" os_index="0" cpuset="0x3" nodeset="0x1" local_memory="1000000"/>
<object type="Core" cpuset="0x1"><object type="PU" cpuset="0x1"/></object>
<object type="Core" cpuset="0x2"><object type="PU" cpuset="0x2"/></object>
<object type="Bridge" bridge_type="0-1"><object type="PCIDev" pci_busid="0000:3b:00.0"
 pci_type="0302 [10de:20b0] [10de:134f] a1" pci_link_speed="0.0"/>
<object type="PCIDev" pci_busid="0000:41:00.0" pci_type="0200 [15b3:101b] [15b3:0007] 00" pci_link_speed="0.0">
<object type="OSDev" name="ib0" osdev_type="2"/></object></object>
</object></object></topology>"""


def write(root, path, text):
    file = root / path.lstrip("/")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def sources(root, run=lambda _words: HWLOC, readings=(), reason="no NVML"):
    return Sources(run, Tree(root), lambda: (list(readings), reason), host="desk")


def absent(_words):
    raise MachineFailure("lstopo is not installed", fix=INSTALL)


def test_what_cannot_be_read_is_blank_with_the_reason(tmp_path):
    machine = machine_of(find_here(sources(tmp_path)))
    unknown = machine.topology.unknown
    assert unknown["NVIDIA GPUs"] == "no NVML"
    assert "RAPL" in unknown["power"]
    assert "CXL" in unknown["CXL"]
    (card,) = machine.topology.devices_of("nic")
    assert card.network_bytes_per_s is None
    assert card.lanes is None


def test_what_the_system_tells_fills_the_blanks(tmp_path):
    write(tmp_path, "/sys/class/net/ib0/speed", "200000\n")
    write(tmp_path, "/sys/bus/pci/devices/0000:41:00.0/current_link_width", "16")
    write(tmp_path, "/sys/bus/pci/devices/0000:41:00.0/current_link_speed", "16.0 GT/s PCIe")
    write(tmp_path, "/sys/class/powercap/intel-rapl:0/name", "package-0")
    machine = machine_of(find_here(sources(tmp_path)))
    (card,) = machine.topology.devices_of("nic")
    assert (card.network_bytes_per_s, card.lanes, card.bytes_per_s) == (25 * 10**9, 16, 31_507_692_308)
    assert "power" not in machine.topology.unknown
    (node,) = machine.nodes
    assert (node.names, node.cpu, node.cores) == (("desk",), "epyc-7763", 2)
    assert [(gpus.type, gpus.count) for gpus in node.gpus] == [("a100-40gb", 1)]


def test_a_missing_hwloc_is_named_with_its_install_line_and_sysfs_is_read(tmp_path):
    for cpu in (0, 1):
        write(tmp_path, f"/sys/devices/system/cpu/cpu{cpu}/topology/core_cpus_list", str(cpu))
        write(tmp_path, f"/sys/devices/system/cpu/cpu{cpu}/topology/package_cpus_list", "0-1")
    machine = machine_of(find_here(sources(tmp_path, run=absent)))
    assert "apt-get install hwloc" in machine.topology.unknown["hwloc"]
    assert "/sys was read instead" in machine.topology.unknown["hwloc"]
    assert machine.total_cores == 2


def test_the_kernel_is_right_about_the_memory_of_a_guest(tmp_path):
    write(tmp_path, "/proc/meminfo", "MemTotal:       2048 kB\nMemFree: 1 kB\n")
    machine = machine_of(find_here(sources(tmp_path)))
    assert machine.nodes[0].memory_bytes == machine.topology.memories[0].size_bytes == 2048 * 1024
    assert "the kernel's number is taken" in machine.topology.unknown["memory domain"]


def test_a_control_group_leaves_us_less_and_says_so(tmp_path):
    write(tmp_path, "/proc/meminfo", "MemTotal:       2048 kB\n")
    write(tmp_path, "/proc/self/cgroup", "0::/\n")
    write(tmp_path, "/sys/fs/cgroup/cgroup.controllers", "")
    write(tmp_path, "/sys/fs/cgroup/cpu.max", "150000 100000")
    write(tmp_path, "/sys/fs/cgroup/memory.max", "1048576")
    machine = machine_of(find_here(sources(tmp_path)))
    assert machine.nodes[0].cores == 1.5
    assert machine.nodes[0].memory_bytes == 2**20
    assert machine.topology.unknown["further cores"] == "the control group allows 1.5 of 2"


A100 = Reading("NVIDIA A100-SXM4-40GB", "0000:3b:00.0", 40 << 30, "on", ("3g.20gb", "4g.20gb"), 16, 4)


def test_nvml_knows_better_what_hwloc_found(tmp_path):
    machine = machine_of(find_here(sources(tmp_path, readings=[A100])))
    (gpu,) = machine.topology.devices_of("gpu")
    assert (gpu.model, gpu.type, gpu.mig) == ("NVIDIA A100-SXM4-40GB", "a100-40gb", "on")
    assert (gpu.parent, gpu.memory_bytes, gpu.lanes) == ("package0", 40 << 30, 16)
    assert gpu.bytes_per_s == 31_507_692_308
    (gpus,) = machine.nodes[0].gpus
    assert (gpus.sharing, gpus.layout) == ("mig", ("3g.20gb", "4g.20gb"))


def test_a_gpu_that_only_nvml_sees_is_added(tmp_path):
    other = Reading("NVIDIA H100 80GB HBM3", "0000:99:00.0", 80 << 30)
    machine = machine_of(find_here(sources(tmp_path, readings=[A100, other])))
    assert [gpu.type for gpu in machine.topology.devices_of("gpu")] == ["a100-40gb", "h100-80gb"]


def test_links_count_once_and_switches_are_told():
    first = Reading("A", "0000:01:00.0", links=("0000:02:00.0",) * 4)
    second = Reading("A", "0000:02:00.0", links=("0000:01:00.0",) * 4)
    _, links = gpus_of([first, second], ("desk",))
    assert [(link.ends, link.count) for link in links] == [(("gpu0", "gpu1"), 4)]
    assert switched([Reading("A", "a", links=("switch",) * 18)] * 8) == 18
    assert switched([first, second]) == 0


class NVMLError(Exception):
    pass


def fake(**answers):
    """A pynvml that answers with these, and with NVMLError to the rest."""

    def refuse(*_words):
        raise NVMLError("Not Supported")

    known = {
        "NVMLError": NVMLError,
        "nvmlInit": lambda: None,
        "nvmlShutdown": lambda: None,
        "nvmlDeviceGetCount": lambda: 1,
        "nvmlDeviceGetHandleByIndex": lambda index: index,
        "nvmlDeviceGetName": lambda _handle: b"NVIDIA A100-SXM4-40GB",
        "nvmlDeviceGetPciInfo": lambda _handle: SimpleNamespace(busId=b"00000000:3B:00.0"),
        "nvmlDeviceGetMemoryInfo": lambda _handle: SimpleNamespace(total=40 << 30),
        **dict.fromkeys(
            (
                "nvmlDeviceGetMigMode",
                "nvmlDeviceGetMaxPcieLinkWidth",
                "nvmlDeviceGetMaxPcieLinkGeneration",
                "nvmlDeviceGetNvLinkState",
            ),
            refuse,
        ),
        **answers,
    }
    return SimpleNamespace(**known)


def test_a_counter_that_nvml_refuses_is_blank_with_its_reason():
    ((reading,), reason) = read_nvml(fake)
    assert reason == ""
    assert (reading.name, reading.pci, reading.memory_bytes) == (
        "NVIDIA A100-SXM4-40GB",
        "0000:3b:00.0",
        40 << 30,
    )
    assert (reading.mig, reading.lanes, reading.links) == ("", None, ())
    assert reading.unknown["MigMode"] == "Not Supported"


def test_mig_slices_and_links_are_read():
    def name(handle):
        return "NVIDIA A100-SXM4-40GB MIG 3g.20gb" if handle == "slice" else "NVIDIA A100-SXM4-40GB"

    def slice_at(_handle, index):
        if index > 1:
            raise NVMLError("Not Found")
        return "slice"

    answers = {
        "nvmlDeviceGetName": name,
        "nvmlDeviceGetMigMode": lambda _handle: [1, 1],
        "nvmlDeviceGetMaxMigDeviceCount": lambda _handle: 7,
        "nvmlDeviceGetMigDeviceHandleByIndex": slice_at,
        "nvmlDeviceGetNvLinkState": lambda _handle, link: int(link < 12),
        "nvmlDeviceGetNvLinkRemotePciInfo": lambda _handle, _link: SimpleNamespace(busId="00000000:C1:00.0"),
        "nvmlDeviceGetNvLinkRemoteDeviceType": lambda _handle, _link: 1,
    }
    ((reading,), _) = read_nvml(lambda: fake(**answers))
    assert (reading.mig, reading.slices) == ("on", ("3g.20gb", "3g.20gb"))
    assert reading.links == ("switch",) * 12


def missing():
    raise ImportError


def broken():
    raise NVMLError("Driver Not Loaded")


@pytest.mark.parametrize(
    ("load", "reason"),
    [
        (missing, "pip install nvidia-ml-py"),
        (lambda: fake(nvmlInit=broken), "Driver Not Loaded"),
        (lambda: fake(nvmlDeviceGetCount=broken), "NVML failed"),
        (lambda: fake(nvmlDeviceGetCount=lambda: 0), "NVML knows no GPU"),
    ],
)
def test_without_nvml_there_are_no_gpus_and_a_reason(load, reason):
    readings, why = read_nvml(load)
    assert readings == []
    assert reason in why


def test_the_real_machine_is_described():
    """Whatever it is: it has cores and memory, and what it does not tell has a reason."""
    machine = machine_of(find_here())
    assert machine.total_cores >= 1
    assert machine.nodes[0].memory_bytes > 0
    assert all(machine.topology.unknown.values())
    assert Path("/proc/meminfo").exists() or "memory" in machine.topology.unknown
