"""Text files taken apart into records and the places of their strings, so that writing changes those places alone."""
