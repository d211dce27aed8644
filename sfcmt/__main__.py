"""`python -m sfcmt` is the command `sfcmt`."""

from sfcmt.cli import main

if __name__ == "__main__":
    main()
