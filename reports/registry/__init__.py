"""Models in MLflow's registry: challengers, champions, the evidence between them, and the history of every move.

A version is self-contained: it holds the model, a card, and what the model and its study's pool say of each target
image, so that a later challenger can be compared with it where its study no longer is. Events are the truth; the
aliases `champion` and `challenger` follow them.
"""
