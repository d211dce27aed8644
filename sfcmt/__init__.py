"""Source-free cross-modal knowledge transfer: from an RGB classifier to depth or infrared, without the RGB data."""

__version__ = "0.1.0"
