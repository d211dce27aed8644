"""Taking a trained model out of sfcmt: one file that holds it all, in a format that others read."""
