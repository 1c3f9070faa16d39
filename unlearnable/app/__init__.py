"""The window: a page in the user's own browser that protects posts, for those who use no terminal."""
