"""`python -m classifier` is `fupin`."""

from classifier.cli import main

main()
