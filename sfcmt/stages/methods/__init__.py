"""Methods of transfer, one a file. Each registers itself under the name that experiments use."""
