"""Finding files: what is taken, what is left out and told, and what is an error."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sfcmt.data.scanner import HIDDEN, Scanner, files_at
from sfcmt.errors import DataError
from tests.command import run
from tests.data.trees import save


def names(paths: list[Path], root: Path) -> list[str]:
    return [path.relative_to(root).as_posix() for path in paths]


@pytest.mark.parametrize("name", ["a.bmp", "b.WEBP", "c.Jp2", "d.pgm", "e.npy", "f.TIFF", "g.gif", "h.tga", "i.jfif"])
def test_what_can_be_decoded_is_taken(tmp_path: Path, name: str) -> None:
    save(tmp_path / "deep" / "er" / name, b"x")
    scanner = Scanner(strict=True)
    assert names(scanner.images(tmp_path), tmp_path) == [f"deep/er/{name}"]
    assert scanner.skipped == {}


@pytest.mark.parametrize("name", ["a.txt", "b.svg", "c.pdf", "d.h5", "e.eps", "f.npz", "noending"])
def test_what_cannot_is_skipped_and_told(tmp_path: Path, name: str) -> None:
    save(tmp_path / name, b"x")
    scanner = Scanner()
    assert scanner.images(tmp_path) == []
    suffix = Path(name).suffix or "no suffix"
    assert scanner.report(tmp_path) == [f"skipped 1: {suffix}: no format of images that is read here: {name}"]
    with pytest.raises(DataError, match=f"{name}: would be skipped: {suffix}: no format"):
        Scanner(strict=True).images(tmp_path)


@pytest.mark.parametrize(
    "name",
    [
        ".ipynb_checkpoints/a.png",
        "__MACOSX/._a.png",
        ".git/a.png",
        "@eaDir/a.png",
        "lost+found/a.png",
        "Thumbs.db",
        "Desktop.ini",
        "._a.png",
        ".DS_Store",
    ],
)
def test_what_the_system_keeps_is_ignored_even_if_strict(tmp_path: Path, name: str) -> None:
    save(tmp_path / name, b"x")
    scanner = Scanner(strict=True)
    assert scanner.files(tmp_path) == []
    assert [*scanner.skipped.values()] == [HIDDEN]


def test_links_are_followed_but_not_in_circles(tmp_path: Path) -> None:
    root, elsewhere = tmp_path / "root", tmp_path / "elsewhere"
    save(elsewhere / "a.png", b"x")
    save(root / "own" / "b.png", b"x")
    (root / "link").symlink_to(elsewhere)
    (root / "file.png").symlink_to(elsewhere / "a.png")
    (root / "own" / "up").symlink_to(root)  # a folder on the way
    (root / "own" / "top").symlink_to(tmp_path)  # one above the root
    (elsewhere / "back").symlink_to(root / "own")  # by way of another link
    (root / "self.png").symlink_to(root / "self.png")
    (root / "gone.png").symlink_to(tmp_path / "nowhere")
    scanner = Scanner()
    found = names(scanner.images(root), root)
    assert found == ["file.png", "link/a.png", "link/back/b.png", "own/b.png"]
    reasons = {path.relative_to(root).as_posix(): reason for path, reason in scanner.skipped.items()}
    circle, nothing = "a link to a folder that it lies in", "a link to nothing"
    assert {name for name, reason in reasons.items() if reason == circle} >= {"own/up", "own/top"}
    assert {name for name, reason in reasons.items() if reason == nothing} == {"self.png", "gone.png"}


def test_two_links_that_lead_to_each_other_end(tmp_path: Path) -> None:
    for one, other in (("a", "b"), ("b", "a")):
        save(tmp_path / one / f"{one}.png", b"x")
        (tmp_path / one / "link").symlink_to(tmp_path / other)
    found = names(Scanner().images(tmp_path), tmp_path)
    assert found == ["a/a.png", "a/link/b.png", "b/b.png", "b/link/a.png"]


def test_what_is_no_file_is_told(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    scanner = Scanner()
    assert scanner.images(tmp_path) == []
    assert scanner.report(tmp_path) == ["skipped 1: no regular file: pipe.png"]


@pytest.mark.parametrize("name", ["nowhere", "file"])
def test_a_folder_is_needed(tmp_path: Path, name: str) -> None:
    save(tmp_path / "file", b"x")
    with pytest.raises(DataError, match=f"{name}: a folder is needed here"):
        Scanner().images(tmp_path / name)


def test_a_name_that_is_no_text_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"caf\xe9.png")).write_bytes(b"x")
    with pytest.raises(DataError, match=r"caf\\xe9.png: its name is not UTF-8; rename it"):
        Scanner().images(tmp_path)


def test_a_report_has_a_line_a_reason_and_the_first_names(tmp_path: Path) -> None:
    for number in range(5):
        save(tmp_path / f"{number}.txt", b"x")
    save(tmp_path / "a.md", b"x")
    scanner = Scanner()
    scanner.images(tmp_path)
    assert scanner.report(tmp_path) == [
        "skipped 5: .txt: no format of images that is read here: 0.txt, 1.txt, 2.txt and 2 more",
        "skipped 1: .md: no format of images that is read here: a.md",
    ]


@pytest.mark.slow
def test_a_folder_stands_for_its_images(tmp_path: Path) -> None:
    image = save(tmp_path / "b.png", b"x")
    save(tmp_path / "a.txt", b"x")
    code = (
        f"from pathlib import Path; from sfcmt.data.scanner import files_at; print(files_at(Path({str(tmp_path)!r})))"
    )
    done = run("-c", code)
    assert done.stdout == f"{[image]}\n"
    told = f"{tmp_path}: skipped 1: .txt: no format of images that is read here: a.txt\n"
    assert done.stderr.endswith(
        told
    )  # though what is imported there silences warnings of whoever does not ask for them
    assert files_at(image) == [image]
