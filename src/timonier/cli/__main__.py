"""python -m timonier.cli: the same as the command timonier."""

from timonier.cli import main

if __name__ == "__main__":
    main()
