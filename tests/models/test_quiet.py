"""Loading says nothing of its own, and leaves other people's logging as it was."""

import logging

from unlearnable.models.quiet import quiet


def test_the_remarks_of_hub_and_transformers_are_off_inside_and_back_afterwards():
    loggers = [logging.getLogger(name) for name in ("huggingface_hub.utils._http", "transformers.modeling_utils")]
    with quiet():
        pass  # both libraries set up their loggers when they are imported
    before = [logger.isEnabledFor(logging.WARNING) for logger in loggers]
    with quiet():
        assert not any(logger.isEnabledFor(logging.ERROR) for logger in loggers)
    assert before == [True, True] == [logger.isEnabledFor(logging.WARNING) for logger in loggers]
