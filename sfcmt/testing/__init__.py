"""Contracts of the plug-in points, as classes of tests: what every member passes, ours and those of other packages.

With pytest, for a validator of your own:

    import pytest
    from sfcmt.testing.validators import ValidatorContract

    class TestMine(ValidatorContract):
        @pytest.fixture
        def validator(self):
            return mine
"""

import pytest

pytest.register_assert_rewrite(
    *(
        f"{__name__}.{name}"
        for name in ("importers", "methods", "source_models", "terms", "translators", "validators", "weightings")
    )
)
