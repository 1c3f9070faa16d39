"""How things are put in words: counts, and what foreign texts hold."""
