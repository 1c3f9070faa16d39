"""`protect`: turn a folder of posts into a folder that may be published."""
