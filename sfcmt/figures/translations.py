"""What the translator makes of target images, beside the real source images of the same scenes."""

from __future__ import annotations

from matplotlib.figure import Figure
from torch import Tensor

from sfcmt.data.manifest import Normalisation
from sfcmt.models.translators.copy import channel_copy


def translations_figure(
    target_BCHW: Tensor, translated_B3HW: Tensor, real_B3HW: Tensor, source: Normalisation, names: tuple[str, str]
) -> Figure:
    """Three rows of B images: target, T(target), real source. All normalised; `names` are the two modalities'."""
    columns = len(target_BCHW)
    figure = Figure(figsize=(1.2 * columns + 1.2, 4.0), layout="constrained")
    axes = figure.subplots(3, columns, squeeze=False)
    rows = (channel_copy(target_BCHW) * 0.2 + 0.5, _pixels(translated_B3HW, source), _pixels(real_B3HW, source))
    for row, images in enumerate(rows):
        for column, image in enumerate(images):
            axes[row, column].imshow(image.clamp(0, 1).permute(1, 2, 0).cpu().numpy())
            axes[row, column].set(xticks=[], yticks=[])
            axes[row, column].spines[:].set_visible(False)
    for row, label in enumerate((names[1], f"T({names[1]})", f"real {names[0]}")):
        axes[row, 0].set_ylabel(label)
    return figure


def _pixels(x_B3HW: Tensor, source: Normalisation) -> Tensor:
    mean, std = (x_B3HW.new_tensor(values).view(1, 3, 1, 1) for values in (source.mean, source.std))
    return (x_B3HW * std + mean) / 255
