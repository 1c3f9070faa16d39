"""Photos and captions in the staging folder, read back and measured."""
