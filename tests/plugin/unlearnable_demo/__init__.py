"""A package from outside: a method with settings and state of its own, a caption format, an attack and an attacker."""
