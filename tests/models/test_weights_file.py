"""Weights are read from any checkpoint that is tensors, nothing in it is run, any other file is refused in a line."""

from __future__ import annotations

import argparse
import datetime
import io
import json
import pickle
import re
import resource
import struct
import tarfile
import zipfile
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from sfcmt.errors import ModelError
from sfcmt.models.weights_file import read_weights
from tests.models import checkpoints as made
from tests.models.checkpoints import WRITERS, described, legacy, network, prefixed, state_of, with_pickle, zipped

WEIGHT = {"weight": torch.arange(6.0).reshape(2, 3)}
VALUES = struct.pack("<6f", *range(6))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "weights.bin"


def same(left: dict[str, Tensor], right: dict[str, Tensor]) -> bool:
    return list(left) == list(right) and all(
        torch.equal(left[name], right[name]) and left[name].dtype == right[name].dtype for name in left
    )


def refusal(file: Path, content: bytes | None = None, key: str | None = None) -> str:
    """The one line that a file is refused in, without its path."""
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ModelError) as caught:
        read_weights(file, key)
    message = str(caught.value)
    assert message.startswith(f"{file}: ")
    assert message.isprintable()
    return message.removeprefix(f"{file}: ")


@pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS)
def test_tensors_come_as_they_are_stored(file: Path, write: Callable[[Any], bytes]) -> None:
    state = {
        "half": torch.randn(3, 2).half(),
        "brain": torch.randn(4).bfloat16(),
        "double": torch.randn(2).double(),
        "whole": torch.tensor(7),
        "flags": torch.tensor([True, False]),
        "complex": torch.randn(2, dtype=torch.complex64),
        "wide": torch.tensor([40000], dtype=torch.uint16),
        "none": torch.empty(0, 5),
    }
    file.write_bytes(write(state))
    read = read_weights(file)
    assert same(dict(sorted(read.tensors.items())), dict(sorted(state.items())))
    assert (read.taken, read.notes) == ("", ())


@pytest.mark.parametrize("write", [zipped, legacy])
def test_views_parameters_and_tied_tensors_are_what_they_were(file: Path, write: Callable[[Any], bytes]) -> None:
    whole = torch.arange(24.0).reshape(4, 6)
    state = OrderedDict(
        turned=whole.T, part=whole[1:3, ::2], tied=whole, parameter=nn.Parameter(whole + 1), buffer=nn.Buffer(whole + 2)
    )
    state._metadata = {"": {"version": 1}}  # type: ignore[attr-defined]
    file.write_bytes(write(state))
    read = read_weights(file).tensors
    assert same(read, {name: tensor.detach() for name, tensor in state.items()})
    assert read["turned"].untyped_storage().data_ptr() == read["tied"].untyped_storage().data_ptr()


def test_tied_tensors_of_safetensors_have_all_their_names(file: Path) -> None:
    from safetensors.torch import save

    file.write_bytes(save(WEIGHT, metadata={"other": "weight", "format": "pt"}))
    assert same(read_weights(file).tensors, WEIGHT | {"other": WEIGHT["weight"]})


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_what_scripts_leave_beside_the_weights_is_passed_over(file: Path, protocol: int) -> None:
    content = {
        "args": argparse.Namespace(folder=PurePosixPath("a/b"), rate=0.1),
        "path": file,
        "best": np.float64(0.5),
        "curve": np.arange(3.0),
        "kind": np.dtype("int8"),
        "when": datetime.datetime(2024, 1, 2, tzinfo=datetime.UTC),
        "counts": defaultdict(list, a=[1]),
        "names": {"a", "b"},
        "fixed": frozenset({1}),
        "size": torch.Size([1, 2]),
        "device": torch.device("cpu"),
        "dtype": torch.float16,
        "accuracy": torch.tensor(0.9),
        "optimizer": {"state": {0: {"step": torch.tensor(1.0)}}, "param_groups": [{"lr": 0.1, "betas": (0.9, 0.99)}]},
        "state_dict": WEIGHT,
    }
    torch.save(content, file, pickle_protocol=protocol)
    read = read_weights(file)
    assert same(read.tensors, WEIGHT)
    assert read.taken == "the weights under 'state_dict'"


OTHER = {"weight": torch.zeros(2, 3)}
CHOICES = {
    "model": ({"model": WEIGHT}, "the weights under 'model'"),
    "nested": ({"ema": {"module": WEIGHT, "decay": 0.99}}, "the weights under 'ema.module' (an average)"),
    "average": (
        {"model": OTHER, "model_ema": WEIGHT},
        "the weights under 'model_ema' (an average; beside it: 'model')",
    ),
    "timm": (
        {"state_dict": OTHER, "state_dict_ema": WEIGHT},
        "the weights under 'state_dict_ema' (an average; beside it: 'state_dict')",
    ),
    "only one": ({"generator": WEIGHT, "epoch": 3}, "the weights under 'generator'"),
    "known one": ({"teacher": OTHER, "net": WEIGHT}, "the weights under 'net'"),
    "extra state": (WEIGHT | {"_extra_state": None}, ""),
}


@pytest.mark.parametrize(("content", "taken"), CHOICES.values(), ids=CHOICES)
def test_the_weights_are_found_and_an_average_goes_first(file: Path, content: Any, taken: str) -> None:
    torch.save(content, file)
    read = read_weights(file)
    assert same(read.tensors, WEIGHT)
    assert read.taken == taken


def test_a_key_decides_and_a_wrong_one_lists_what_there_is(file: Path) -> None:
    torch.save({"model": {"state_dict": WEIGHT}, "model_ema": OTHER, "teacher": OTHER | {"a": OTHER["weight"]}}, file)
    read = read_weights(file, "model.state_dict")
    assert same(read.tensors, WEIGHT)
    assert read.taken == "the weights under 'model.state_dict' (beside it: 'model_ema')"
    message = refusal(file, key="model")
    assert message == "no weights under 'model'; it holds weights under 'model_ema', 'teacher', 'model.state_dict'"


def test_two_equal_claims_are_refused(file: Path) -> None:
    message = refusal(file, zipped({"student": WEIGHT, "teacher": OTHER}))
    assert message == "holds weights under 'student', 'teacher'; say which with a key"


def test_broken_values_are_told(file: Path) -> None:
    torch.save({"a": torch.tensor([1.0, torch.nan]), "b": torch.tensor([torch.inf]).half(), "c": torch.ones(2)}, file)
    assert read_weights(file).notes == ("2 of 3 tensors hold NaN or infinite values (a, b)",)


def scripted(file: Path) -> bytes:
    """As `torch.jit.save` names its members."""
    with zipfile.ZipFile(file, "w") as archive:
        for member in ("data.pkl", "code/__torch__.py", "constants.pkl", "version"):
            archive.writestr(f"archive/{member}", "")
    return file.read_bytes()


def npz(file: Path) -> bytes:
    with file.open("wb") as handle:
        np.savez(handle, a=np.ones(2))
    return file.read_bytes()


def tar(file: Path) -> bytes:
    with tarfile.open(file, "w") as archive:
        archive.add(__file__, "weights.pth")
    return file.read_bytes()


OTHER_FILES: dict[str, tuple[Callable[[Path], bytes], str]] = {
    "empty": (lambda _: b"", "empty"),
    "pointer": (lambda _: b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n", "Git LFS pointer"),
    "page": (lambda _: b"\n<!DOCTYPE html><html><body>404</body></html>", "web page"),
    "hdf5": (lambda _: b"\x89HDF\r\n\x1a\n" + bytes(99), "HDF5"),
    "onnx": (lambda _: b"\x08\x07\x12\x07pytorch", "ONNX"),
    "npy": (lambda _: b"\x93NUMPY" + bytes(99), "NumPy"),
    "gzip": (lambda _: b"\x1f\x8b\x08" + bytes(99), "unpack it"),
    "text": (lambda _: b"weights", "no known format"),
    "npz": (npz, ".npz"),
    "tar": (tar, "tar archive"),
    "TorchScript": (scripted, "TorchScript archive.*state_dict"),
    "pickle": (lambda _: pickle.dumps({"a": 1}), "pickle that torch.save has not written"),
    "one tensor": (lambda _: zipped(torch.ones(2)), "no dict of tensors"),
    "no tensors": (lambda _: zipped({"a": 1}), "no dict of tensors"),
    "sparse": (lambda _: zipped({"a": torch.eye(2).to_sparse()}), "sparse, quantised"),
    "quantised": (lambda _: zipped({"a": torch.quantize_per_tensor(torch.ones(2), 1.0, 0, torch.qint8)}), "quantised"),
    "conjugate": (lambda _: zipped({"a": torch.ones(2, dtype=torch.complex64).conj()}), "conjugate"),
    "number as a name": (lambda _: zipped({"a": torch.ones(2), 3: torch.ones(2)}), "name that is no text: 3"),
    "tuple as a name": (lambda _: zipped({("a", 1): torch.ones(2)}), "key of type tuple"),
    "whole module": (lambda _: zipped(network()), r"more than tensors \(torch.nn.modules.container.Sequential\)"),
    "whole legacy module": (lambda _: legacy(network()), r"more than tensors \(torch.nn.modules.container"),
}


@pytest.mark.filterwarnings("ignore:.*(deprecated|Couldn't retrieve source).*")
@pytest.mark.parametrize(("make", "says"), OTHER_FILES.values(), ids=OTHER_FILES)
def test_another_file_is_refused_with_what_it_is(file: Path, make: Callable[[Path], bytes], says: str) -> None:
    assert re.search(says, refusal(file, make(file)))


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    assert refusal(tmp_path / "none.pth") == "no such file"
    assert "no regular file" in refusal(tmp_path)


def test_a_refused_pickle_says_how_to_convert_it(file: Path) -> None:
    message = refusal(file, zipped(network()))
    assert 'torch.save(model.state_dict(), "weights.pth")' in message
    assert 'save_file(model.state_dict(), "weights.safetensors")' in message


def headed(header: Any, data: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


def entry(shape: list[int], *offsets: int) -> dict[str, Any]:
    return {"dtype": "F32", "shape": shape, "data_offsets": list(offsets)}


FLOATS = entry([6], 0, 24)
TWICE = b'{"a":%b,"a":%b}' % (json.dumps(FLOATS).encode(), json.dumps(FLOATS).encode())
HUGE = 2**40
LIES: dict[str, bytes] = {
    "header beyond the file": (10**6).to_bytes(8, "little") + b"{}",
    "name twice": headed(TWICE, VALUES),
    "nested header": headed(b'{"a":' * 10**5, VALUES),
    "huge tensor": headed({"a": entry([HUGE], 0, 4 * HUGE)}, VALUES),
    "negative size": headed({"a": entry([-6], 0, 24)}, VALUES),
    "overlap": headed({"a": FLOATS, "b": FLOATS}, VALUES),
    "other type": headed({"a": FLOATS | {"dtype": "F7"}}, VALUES),
    "huge storage": with_pickle(state_of(described(HUGE, (HUGE,), (1,))), {"0": VALUES}),
    "huge view": with_pickle(state_of(described(6, (HUGE,), (0,))), {"0": VALUES}),
    "beyond the storage": with_pickle(state_of(described(6, (2, 3), (3, 1), offset=1)), {"0": VALUES}),
    "negative stride": with_pickle(state_of(described(6, (2, 3), (-3, 1))), {"0": VALUES}),
    "negative offset": with_pickle(state_of(described(6, (2,), (1,), offset=-1)), {"0": VALUES}),
    "negative shape": with_pickle(state_of(described(6, (-2, 3), (3, 1))), {"0": VALUES}),
    "negative storage": with_pickle(state_of(described(-6, (2, 3), (3, 1))), {"0": VALUES}),
    "no storage": with_pickle(state_of(described(6, (2, 3), (3, 1)))),
    "storage elsewhere": with_pickle(state_of(described(6, (2, 3), (3, 1), key="../data.pkl")), {"0": VALUES}),
    "many dimensions": with_pickle(state_of(described(6, (1,) * 99, (1,) * 99)), {"0": VALUES}),
    "long legacy bytes": made.legacy_with_pickle(b"\x80\x04\x8e" + HUGE.to_bytes(8, "little") + b"abc."),
    "huge legacy storage": made.legacy_with_pickle(state_of(described(HUGE, (HUGE,), (1,)))),
    "compressed": with_pickle(state_of(described(6, (6,), (1,))), {"0": VALUES}, zipfile.ZIP_DEFLATED),
    "bytearray": with_pickle(state_of(made.called("builtins.bytearray", made.number(HUGE)))),
    "memo": with_pickle(b"\x80\x02}r\xff\xff\xff\x7f."),
    "long text": with_pickle(b"\x80\x02X\xff\xff\xff\x7fabc."),
    "long bytes": with_pickle(b"\x80\x04\x8e" + HUGE.to_bytes(8, "little") + b"abc."),
    "nested tuples as a key": with_pickle(b"\x80\x02})" + b"\x85" * 10**5 + b"Ns."),
    "dict in itself": with_pickle(b"\x80\x02}q\x00" + made.text("a") + b"h\x00s."),
    "constructor": with_pickle(state_of(made.called("torch.FloatTensor", made.number(HUGE)))),
    "storage constructor": with_pickle(state_of(made.called("torch.storage.UntypedStorage", made.number(HUGE)))),
    "nested rebuilding": with_pickle(state_of(b"ctorch._tensor\n_rebuild_from_type_v2\n" * 9 + b"t" * 9 + b"R" * 9)),
}


LITTLE = 200 * 2**20


def resident() -> int:
    """The most memory that this process has had, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


@pytest.mark.slow
@pytest.mark.parametrize("content", LIES.values(), ids=LIES)
def test_a_file_that_lies_is_refused_without_spending_memory(file: Path, content: bytes) -> None:
    before = resident()
    refusal(file, content)
    assert resident() - before < LITTLE


def test_the_lies_are_well_formed_but_for_the_lie(file: Path) -> None:
    file.write_bytes(with_pickle(state_of(described(6, (2, 3), (3, 1))), {"0": VALUES}))
    assert same(read_weights(file).tensors, WEIGHT)
    file.write_bytes(headed({"a": FLOATS}, VALUES))
    assert read_weights(file).tensors["a"].tolist() == list(range(6))


def test_names_of_a_file_cannot_write_to_the_terminal(file: Path) -> None:
    message = refusal(file, with_pickle(state_of(b"cevil\x1b[2J\nname\n")))
    assert message.startswith("a pickle that is more than tensors (evil?[2J.name)")
    refusal(file, zipped({"a\nb\x1b[2J" * 99: {"c": torch.ones(2)}}), key="\x1b")


@pytest.mark.parametrize("write", [zipped, legacy])
def test_nothing_in_a_file_is_run(file: Path, write: Callable[[Any], bytes]) -> None:
    trap = file.with_name("trap")
    for bad in (
        made.touches(trap),
        made.Runs(eval, f"open({str(trap)!r}, 'w')"),
        made.Runs(exec, "1"),
        made.Runs(getattr, 1, "a"),
    ):
        assert "more than tensors" in refusal(file, write(WEIGHT | {"bad": bad}))
    assert not trap.exists()


GADGETS: dict[str, bytes] = {
    "call of a call": made.called("torch._tensor._rebuild_from_type_v2", b"cos\nsystem\n", b"N", b"(t", b"N"),
    "state of a namespace": b"cargparse\nNamespace\n)\x81}" + made.text("__class__") + b"cos\nsystem\nsb",
    "method by name": made.called("builtins.getattr", b"cargparse\nNamespace\n", made.text("__init__")),
    "dotted name": b"cargparse\nNamespace.__init__.__globals__\n",
    "stacked name": made.text("argparse") + made.text("_os.system") + b"\x93",
    "module of numpy": made.called("numpy.core.multiarray._reconstruct", b"cos\nsystem\n"),
    "persistent id": b"(" + made.text("module") + b"cos\nsystem\n" + made.text("a") + b"tQ",
    "instance": b"(" + made.text("true") + b"ios\nsystem\n",
    "extension": b"\x82\x01",
}


@pytest.mark.parametrize("gadget", GADGETS.values(), ids=GADGETS)
def test_no_name_leads_to_another(file: Path, gadget: bytes) -> None:
    refusal(file, with_pickle(state_of(gadget)))
    refusal(file, made.legacy_with_pickle(state_of(gadget)))


def test_python_2_wrote_ordered_dicts_as_pairs(file: Path) -> None:
    pair = b"](" + b"U\x06weight" + described(6, (2, 3), (3, 1)) + b"e"
    pickled = b"\x80\x02" + made.called("collections.OrderedDict", b"](" + pair + b"e") + b"."
    file.write_bytes(with_pickle(pickled, {"0": VALUES}))
    assert same(read_weights(file).tensors, WEIGHT)


DAMAGED = 120


def damaged(whole: bytes) -> Iterator[bytes]:
    draw = np.random.default_rng(0)
    for _ in range(DAMAGED):
        yield whole[: draw.integers(len(whole))]
        flipped = bytearray(whole)
        for place in draw.integers(len(whole), size=draw.integers(1, 4)):
            flipped[place] ^= 1 << draw.integers(8)
        yield bytes(flipped)


def refused(file: Path, content: bytes) -> str:
    """The message, empty if the file is read."""
    file.write_bytes(content)
    try:
        read_weights(file)
    except ModelError as error:
        return str(error)
    return ""


def check_refusals(file: Path, contents: list[bytes]) -> None:
    """At least those that are cut, every second one, are refused, each in a line; none takes much memory."""
    before = resident()
    told = [message for message in (refused(file, content) for content in contents) if message]
    assert len(told) >= len(contents) // 2
    assert all(message.startswith(f"{file}: ") and message.isprintable() for message in told)
    assert resident() - before < LITTLE


@pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS)
def test_a_damaged_file_is_read_or_refused_in_a_line(file: Path, write: Callable[[Any], bytes]) -> None:
    check_refusals(file, list(damaged(write(prefixed(network().state_dict(), "module.")))))


def test_a_damaged_pickle_under_a_right_checksum_is_read_or_refused_in_a_line(file: Path) -> None:
    with zipfile.ZipFile(io.BytesIO(zipped({"args": argparse.Namespace(a=np.ones(2)), "model": WEIGHT}))) as archive:
        storages = {name.rpartition("/")[2]: archive.read(name) for name in archive.namelist() if "/data/" in name}
        pickled = archive.read("archive/data.pkl")
    check_refusals(file, [with_pickle(content, storages) for content in damaged(pickled)])


def test_a_pickle_too_long_to_be_of_weights_is_not_begun(file: Path) -> None:
    before = resident()
    assert refusal(file, with_pickle(b"\x80\x02" + b"}" * 2**23 + b".")) == "its pickle is longer than 8 MiB"
    assert resident() - before < LITTLE
