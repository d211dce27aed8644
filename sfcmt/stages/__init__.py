"""The three trainings: source, bridge (TGMB) and transfer (TGKT and every baseline)."""
