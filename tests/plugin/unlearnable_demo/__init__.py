"""A package from outside: a method with settings and state of its own, a caption format and an attack."""
