"""`python -m toloka_upload`."""

from toloka_upload.cli import main

if __name__ == "__main__":
    main()
