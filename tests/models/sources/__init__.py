"""Tests of the source models that people bring."""
