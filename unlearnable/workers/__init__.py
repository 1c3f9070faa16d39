"""Processes that work for this one: `pool` starts them and asks them, `child` is what runs in them."""
