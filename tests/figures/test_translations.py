"""Three rows of images: target, translated, real."""

from __future__ import annotations

import numpy as np
import torch

from sfcmt.data.manifest import Normalisation
from sfcmt.figures.translations import translations_figure
from tests.figures.pictures import drawn

SOURCE = Normalisation(mean=(100.0, 120.0, 140.0), std=(50.0, 60.0, 70.0))


def test_rows_are_labelled_and_pixels_are_put_back() -> None:
    generator = torch.Generator().manual_seed(0)
    target = torch.randn(4, 1, 6, 6, generator=generator)
    translated, real = (0.5 * torch.randn(4, 3, 6, 6, generator=generator) for _ in range(2))
    figure = translations_figure(target, translated, real, SOURCE, ("rgb", "depth"))
    images = [np.asarray(axes.images[0].get_array()) for axes in figure.axes]
    assert [axes.get_ylabel() for axes in figure.axes if axes.get_ylabel()] == ["depth", "T(depth)", "real rgb"]
    assert [axes.get_ylabel() for axes in figure.axes[::4]] == ["depth", "T(depth)", "real rgb"]
    assert len(images) == 12
    for column in range(4):
        assert (images[column] == images[column][..., :1]).all()  # grey
        assert np.corrcoef(images[column][..., 0].ravel(), target[column, 0].ravel())[0, 1] > 0.95
        for row, normal in ((4, translated), (8, real)):
            for channel, (mean, std) in enumerate(zip(SOURCE.mean, SOURCE.std, strict=True)):
                expected = (normal[column, channel].double() * std + mean) / 255
                assert np.allclose(images[row + column][..., channel], expected.clip(0, 1), atol=1e-6)
    assert drawn(figure).std() > 10
