"""`python -m graphcorr` is the command `graphcorr`."""

from graphcorr.cli import main

main()
