"""What is to be protected: the paths and settings of a run, and the posts that they stand for."""
