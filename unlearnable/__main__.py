"""`python -m unlearnable`."""

from unlearnable.cli.app import main

main()
