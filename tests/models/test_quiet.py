"""Loading says nothing of its own, and leaves other people's logging as it was."""

import logging

from unlearnable.models.device import quiet

NAMES = (None, "huggingface_hub.utils._http", "transformers.modeling_utils")  # None is the root, which open_clip uses


def test_libraries_say_nothing_inside_and_are_back_afterwards():
    loggers = [logging.getLogger(name) for name in NAMES]
    before = [logger.isEnabledFor(logging.ERROR) for logger in loggers]
    with quiet():
        assert not any(logger.isEnabledFor(logging.CRITICAL) for logger in loggers)
    assert before == [True, True, True] == [logger.isEnabledFor(logging.ERROR) for logger in loggers]
