"""`python -m orchestrator`: the searchctl command, where only its code is, and no script of it."""

from orchestrator.cli import main

if __name__ == "__main__":
    main()
