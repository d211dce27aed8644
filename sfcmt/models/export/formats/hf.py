"""A folder for Hugging Face's `from_pretrained`, of a model that came from one. Needs sfcmt[hf]."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any, cast

import torch
from PIL import Image
from torch import Tensor, nn

from sfcmt.errors import ModelError
from sfcmt.models.export.card import card_of
from sfcmt.models.export.formats import FORMATS
from sfcmt.models.sources import SOURCES
from sfcmt.models.sources.hf import RESAMPLE, Interpolating, load_transformers
from sfcmt.models.tapped import NetworkSpec, TappedClassifier
from sfcmt.models.target_model import ModelSpec

CARD = "sfcmt.json"
_RESAMPLE = {name: number for number, name in RESAMPLE.items()}


@FORMATS.register("hf")
class HuggingFaceFolder:
    """Its `preprocessor_config.json` is of a stock processor, so images are opened as always; the card is a file."""

    def require(self) -> None:
        if find_spec("transformers") is None:
            raise ModelError("hf: needs transformers; install with: pip install 'sfcmt[hf]'")

    def write(self, model: nn.Module, spec: ModelSpec, path: Path) -> None:
        if reasons := [*_obstacles(model, spec)]:
            raise ModelError(f"hf: no stock network and processor of Hugging Face do this: {'; '.join(reasons)}")
        classifier = cast("TappedClassifier", model.classifier)
        network = _whole(classifier)
        network.config.id2label = dict(enumerate(spec.classes))
        network.config.label2id = {name: place for place, name in enumerate(spec.classes)}
        network.save_pretrained(path)
        _processor(spec, classifier).save_pretrained(path)
        (path / CARD).write_text(json.dumps(card_of(spec), indent=2) + "\n", encoding="utf-8")

    def read(self, path: Path) -> Callable[[Tensor], Tensor]:
        """Runs it as its users do: images of Pillow's through the processor, which are of the model's size already."""
        library = load_transformers()
        process = library.AutoImageProcessor.from_pretrained(path)
        network = library.AutoModelForImageClassification.from_pretrained(path).eval()

        def run(x_BCHW: Tensor) -> Tensor:
            images = [_image(x_CHW) for x_CHW in x_BCHW.to(torch.uint8)]
            logits: Tensor = network(**process(images, do_resize=False, return_tensors="pt")).logits
            return logits.softmax(dim=1)

        return run


def _obstacles(model: nn.Module, spec: ModelSpec) -> Iterator[str]:
    """What stands in the way."""
    network, classifier = spec.network, getattr(model, "classifier", None)
    if network is None or network.kind != "hf":
        yield f"the source model {spec.backbone} is none of Hugging Face's"
        return
    if not isinstance(classifier, TappedClassifier):
        yield "it is an exported program; name a registered model, or a folder of the store"
        return
    if network.groups is not None or classifier.outputs != len(spec.classes):
        yield "its classes are not the network's outputs, one by one"
    if len(network.layers) != 1:
        yield "it has two heads"
    if isinstance(classifier.network, Interpolating):
        yield f"it was adapted at {spec.size} pixels, which is not its own size"
    if network.input.order != "rgb":
        yield "its channels are in the order blue, green, red"
    if spec.seen_through != "copy" or spec.translator != "copy":
        yield f"a translator ({spec.translator}) stands before it"
    if spec.bits != 8 or spec.channels not in (1, 3):
        yield f"its images have {spec.channels} channel(s) of {spec.bits} bits; allowed: 1 or 3 of 8 bits"
    if spec.holes != "keep":
        yield f"holes of its images are treated (holes: {spec.holes})"


def _whole(classifier: TappedClassifier) -> Any:
    """The network with its head in its place."""
    spec: NetworkSpec = classifier.spec
    network: Any = SOURCES[spec.kind].build(spec.arguments)
    (name,), (head, _) = spec.layers, cast("nn.Sequential", classifier.head)
    own = network.get_submodule(name)
    placed = {f"{name}.{part}": tensor.reshape(getattr(own, part).shape) for part, tensor in head.state_dict().items()}
    network.load_state_dict(classifier.network.state_dict() | placed)
    return network


def _processor(spec: ModelSpec, classifier: TappedClassifier) -> Any:
    """What does to an image what `sfcmt.data.images` and then the model do."""
    to_network = classifier.input_map
    mean, std = (torch.tensor(values).expand(3) for values in (spec.normalisation.mean, spec.normalisation.std))
    # y = (x - mean) / std * scale + shift, for x from 0 to 255, is (x / 255 - m) / s
    scale, shift = (tensor.flatten().double() for tensor in (to_network.scale, to_network.shift))
    s = std.double() / (255 * scale)
    m = mean.double() / 255 - shift * s
    common = {"image_mean": m.tolist(), "image_std": s.tolist(), "resample": _RESAMPLE[spec.resize.interpolation]}
    square, library = {"height": spec.size, "width": spec.size}, load_transformers()
    if spec.resize.crop is None:
        return library.ViTImageProcessor(size=square, do_convert_rgb=True, **common)
    short = {"shortest_edge": int(spec.size / spec.resize.crop)}
    return library.CLIPImageProcessor(size=short, crop_size=square, do_convert_rgb=True, **common)


def _image(x_CHW: Tensor) -> Image.Image:
    pixels = x_CHW.permute(1, 2, 0).squeeze(2).numpy()
    return Image.fromarray(pixels)
