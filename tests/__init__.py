import pytest

# what it asserts is explained as in a test
pytest.register_assert_rewrite("tests.browser", "tests.support")
