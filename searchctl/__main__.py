"""`python -m searchctl`: the command, where only its code is, and no script of it."""

from searchctl.orchestrator.cli.main import main

if __name__ == "__main__":
    main()
