"""From noise and triggers to a published folder with its records."""
