"""Imports that are killed, stopped, starved, or race: the dataset is then the old one or the new one."""

import os
import resource
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

import dataeff_core
from dataeff_core.datasets.importing import import_frames
from dataeff_core.errors import Cancelled
from dataeff_core.reporting import Reporter
from dataeff_core.workspace import Workspace
from tests.datasets.making import clip, picture, save

IMPORT = """
import sys
from pathlib import Path
from dataeff_core.datasets.importing import import_frames
from dataeff_core.errors import DataEffError
from dataeff_core.workspace import Workspace
try:
    result = import_frames(Workspace.open(sys.argv[1]), Path(sys.argv[2]), name=sys.argv[3], workers=1)
    print(result.dataset, result.frames, result.added)
except DataEffError as error:
    print(f"{type(error).__name__}: {error}")
"""


WITHOUT_PRIVILEGES = """
import ctypes, os, sys
for capability in (1, 2):  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH: what lets root read and write everywhere
    ctypes.CDLL(None).prctl(24, capability, 0, 0, 0)  # PR_CAPBSET_DROP; counts from the next program on
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""


def start(
    workspace: Path, source: Path, name: str = "set", *, without_privileges: bool = False, **options: object
) -> subprocess.Popen[str]:
    """An import in a process of its own."""
    command = [sys.executable, "-c", IMPORT, str(workspace), str(source), name]
    environment = {**os.environ, "PYTHONPATH": str(Path(dataeff_core.__file__).parents[1])}
    if without_privileges:
        command = [sys.executable, "-c", WITHOUT_PRIVILEGES, *command[1:]]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment, **options)  # type: ignore[call-overload,no-any-return]


def answer(process: subprocess.Popen[str]) -> str:
    return process.communicate(timeout=120)[0].strip()


def wait_for(condition: object, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.005)


def thumbnails(workspace: Path) -> list[Path]:
    return list((workspace / "thumbnails").rglob("*.webp"))


def test_kill_9_in_the_middle_leaves_the_old_state_and_a_later_import_completes_it(tmp_path: Path) -> None:
    source, folder = tmp_path / "s", tmp_path / "ws"
    save(source / "first.png", picture(500))
    workspace = Workspace.open(folder)
    import_frames(workspace, source, name="set", workers=1)
    before = workspace.dataset("set")
    clip(source / "long.mp4", 120, gop=120)
    for number in range(20):
        save(source / f"{number}.png", picture(number))
    process = start(folder, source)
    wait_for(lambda: len(thumbnails(folder)) > 30)
    children = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    after = workspace.dataset("set")
    assert (after.record, len(after.frames)) == (before.record, 1)
    psutil.wait_procs(children, timeout=30)
    assert not any(child.is_running() for child in children)  # decoders do not outlive their import
    result = import_frames(workspace, source, name="set", workers=1)
    assert (result.frames, result.added, result.unreadable) == (141, 140, [])
    assert not [path for path in folder.rglob("*") if path.name.endswith(".tmp") or ".partial" in path.name]


def test_a_stopped_import_keeps_what_was_decoded(tmp_path: Path) -> None:
    source = tmp_path / "s"
    for number in range(30):
        save(source / f"{number}.png", picture(number))
    workspace = Workspace.open(tmp_path / "ws")

    class Stopping(Reporter):
        def stop_asked(self) -> bool:
            return self.phase_name == "decoding" and self.done >= 20

    with pytest.raises(Cancelled):
        import_frames(workspace, source, name="set", workers=1, reporter=Stopping())
    assert workspace.datasets() == []
    totals: list[int | None] = []

    class Watching(Reporter):
        def show(self) -> None:
            if self.phase_name == "decoding":
                totals.append(self.total)

    result = import_frames(workspace, source, name="set", workers=1, reporter=Watching())
    assert result.frames == 30
    assert totals[0] is not None and totals[0] <= 10
    assert not list(workspace.datasets_folder.glob(".partial*"))


def test_two_imports_at_once_make_one_dataset_with_everything(tmp_path: Path) -> None:
    for part in ("one", "two"):
        for number in range(6):
            save(tmp_path / part / f"{part}{number}.png", picture(number))
    processes = [start(tmp_path / "ws", tmp_path / part) for part in ("one", "two")]
    answers = [answer(process).split() for process in processes]
    assert len({one[0] for one in answers}) == 1
    assert sorted(int(one[2]) for one in answers) == [6, 6]
    dataset = Workspace.open(tmp_path / "ws").dataset("set")
    assert len(dataset.frames) == 12 and len(dataset.record.sources) == 2


def test_a_decoder_that_is_killed_costs_its_file_only(tmp_path: Path) -> None:
    source = tmp_path / "s"
    clip(source / "long.mp4", 2000, width=160, height=128)
    for number in range(4):
        save(source / f"{number}.png", picture(number))
    workspace = Workspace.open(tmp_path / "ws")
    own = psutil.Process()

    def kill_the_decoder() -> None:
        wait_for(lambda: len(thumbnails(tmp_path / "ws")) > 20)
        for child in own.children():
            if "dataeff_core.datasets.worker" in child.cmdline():
                child.kill()

    killer = threading.Thread(target=kill_the_decoder)
    killer.start()
    result = import_frames(workspace, source, name="set", workers=1)
    killer.join()
    assert result.frames == 4
    assert [one["path"] for one in result.unreadable] == ["long.mp4"]
    assert "ended by the system (signal 9)" in result.unreadable[0]["reason"]
    assert not [child for child in own.children() if "dataeff_core.datasets.worker" in child.cmdline()]


def limited_to(kilobytes: int) -> object:
    """Run in a child: no file may grow beyond this, which fails as a full disk does, at any write."""

    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (kilobytes * 1024, kilobytes * 1024))

    return limit


def test_no_room_on_the_disk_is_one_sentence_and_the_dataset_stays(tmp_path: Path) -> None:
    source, folder = tmp_path / "s", tmp_path / "ws"
    save(source / "a.png", picture(1))
    workspace = Workspace.open(folder)
    import_frames(workspace, source, name="set", workers=1)
    before = workspace.dataset("set")
    for number in range(20):
        save(source / f"{number}.png", picture(number, 300, 300))
    for kilobytes in (0, 6):
        said = answer(start(folder, source, preexec_fn=limited_to(kilobytes)))
        assert said.startswith("StorageFailed: ") and "\n" not in said
        assert workspace.dataset("set").record == before.record
        assert not [path for path in folder.rglob("*") if path.name.endswith(".tmp")]
    assert import_frames(workspace, source, name="set", workers=1).frames == 21


def test_a_source_without_permission_is_listed(tmp_path: Path) -> None:
    save(tmp_path / "s" / "open" / "a.png")
    save(tmp_path / "s" / "closed" / "b.png")
    save(tmp_path / "s" / "secret.png").chmod(0o000)
    (tmp_path / "s" / "closed").chmod(0o000)
    said = answer(start(tmp_path / "ws", tmp_path / "s", without_privileges=True))
    (tmp_path / "s" / "closed").chmod(0o755)
    assert said.split()[1:] == ["1", "1"]
    unreadable = Workspace.open(tmp_path / "ws").dataset("set").unreadable.set_index("path")["reason"]
    assert "folder cannot be read" in unreadable["closed"]
    assert "no permission" in unreadable["secret.png"]


def test_a_workspace_without_permission_is_one_sentence(tmp_path: Path) -> None:
    save(tmp_path / "s" / "a.png")
    processes = []
    for number, closed in enumerate((".", "thumbnails", "datasets")):
        Workspace.open(tmp_path / f"ws{number}")
        (tmp_path / f"ws{number}" / closed).chmod(0o555)
        if closed == ".":
            (tmp_path / f"ws{number}" / "workspace.json").unlink()
        processes.append(start(tmp_path / f"ws{number}", tmp_path / "s", without_privileges=True))
    for process in processes:
        said = answer(process)
        assert said.startswith("StorageFailed: no permission for") and "\n" not in said
