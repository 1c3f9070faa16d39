"""A photo's file in, the same photo with something added out."""
