"""Networks: backbones, the classifier on top of them, translators, and the model that is shipped."""
