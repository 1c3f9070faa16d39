"""The folders of a result: held against other runs, refused where they are in use, gone on with or replaced."""
