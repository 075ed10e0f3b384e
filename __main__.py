"""`python -m taxonaut` is the command `taxonaut`."""

from taxonaut.cli.main import main

if __name__ == "__main__":
    main()
