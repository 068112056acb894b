"""`python -m graphcorr` is the command `graphcorr`."""

import sys


def start() -> None:
    """Run the command line. Ctrl-C ends with 130 and one line even before everything is imported."""
    try:
        from graphcorr.cli import main

        main()
    except KeyboardInterrupt:
        sys.stderr.write("graphcorr: interrupted\n")
        sys.exit(130)


if __name__ == "__main__":
    start()
