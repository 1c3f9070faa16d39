"""Make noise and triggers for posts; shared by `protect` and `benchmark`."""
