"""`protect`: from a folder of posts to a folder that may be published."""
