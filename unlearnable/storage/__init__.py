"""Files on a disk: written atomically, checked, locked, and given up in good time where there is no room."""
