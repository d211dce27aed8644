"""Files and folders that may not be read: one line each, and nothing that is there is taken for missing."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

READERS = """
import sys
from pathlib import Path
from sfcmt.clusters.checks.settings import packing_finding
from sfcmt.data.image_files import content
from sfcmt.data.scanner import Scanner
from sfcmt.errors import SfcmtError
from sfcmt.store import Store
from sfcmt.tuning.search.study_folder import study_names
from sfcmt.yaml_files import read_yaml
folder = Path(sys.argv[1])
for read in (
    lambda: read_yaml(folder / "file"),
    lambda: content(folder / "file"),
    lambda: Scanner().images(folder / "studies"),
    lambda: study_names(Store(folder)),
):
    try:
        print("read:", read())
    except SfcmtError as error:
        print(str(error).replace(str(folder), "."))
print(packing_finding(folder).is_well)
"""


@pytest.mark.slow
def test_what_may_not_be_read_is_one_line(tmp_path: Path) -> None:
    setpriv = shutil.which("setpriv")
    if not setpriv or subprocess.run([setpriv, "--bounding-set=-all", "true"], check=False).returncode:
        pytest.skip("nobody's rights can be taken away here")
    (tmp_path / "file").write_text("a: 1")
    (tmp_path / "studies").mkdir()
    for path in tmp_path.iterdir():
        path.chmod(0)
    command = [setpriv, "--inh-caps=-all", "--bounding-set=-all", sys.executable, "-c", READERS, str(tmp_path)]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines() == [
        "./file: cannot be read (Permission denied)",
        "./file: cannot be read (Permission denied)",
        "./studies: a folder is needed here (Permission denied)",
        "./studies: Permission denied; whoever runs this needs permission there",
        "False",
    ]
