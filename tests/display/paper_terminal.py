"""A terminal small enough to read, which rewraps its lines when resized, as tmux and others do."""

from __future__ import annotations

import io
import re

_TOKEN = re.compile(r"\x1b\[(\??)(\d*(?:;\d+)*)([A-Za-z])|([\r\n])|([^\x1b\r\n]+)")


class Screen(io.StringIO):
    """A stream that shows what is written to it. It obeys what the live display may send, no more.

    Lines are kept as the program wrote them, and wrapped only when moved over or shown; that is
    how a terminal can rewrap them for another width and keep the cursor on its character.
    """

    encoding = "utf-8"

    def __init__(self, columns: int, rows: int = 24) -> None:
        super().__init__()
        self.columns, self.rows = columns, rows
        self.lines = [""]
        self.line = self.column = 0
        self.cursor_shown = True
        self.raw = ""

    def isatty(self) -> bool:
        """Say yes: that is what it stands for."""
        return True

    def size(self) -> tuple[int, int]:
        """Columns and rows."""
        return self.columns, self.rows

    def resize(self, columns: int) -> None:
        """Rewrap: long lines become several, with the cursor on the piece that holds its character."""
        self.columns = columns
        wrapped: list[str] = []
        for number, line in enumerate(self.lines):
            pieces = [line[at : at + columns] for at in range(0, max(1, len(line)), columns)]
            if number == self.line:
                down, self.column = divmod(self.column, columns)
                cursor = len(wrapped) + min(down, len(pieces) - 1)
            wrapped += pieces
        self.lines, self.line = wrapped, cursor

    def shown(self) -> list[str]:
        """The lines on the screen, trailing blanks and empty lines left out."""
        return [line.rstrip() for line in self.lines if line.strip()]

    def write(self, text: str) -> int:
        """Show text, obeying what is known and refusing the rest."""
        self.raw += text
        for private, number, command, move, words in _TOKEN.findall(text):
            if command:
                self._obey(private, number, command)
            elif move == "\r":
                self.column = 0
            elif move == "\n":
                self._down()
            else:
                self._print(words)
        return len(text)

    def _print(self, words: str) -> None:
        for character in words:
            if self.column == self.columns:
                self._down()
            line = self.lines[self.line].ljust(self.column)
            self.lines[self.line] = line[: self.column] + character + line[self.column + 1 :]
            self.column += 1

    def _down(self) -> None:
        self.line, self.column = self.line + 1, 0
        if self.line == len(self.lines):
            self.lines.append("")

    def _obey(self, private: str, number: str, command: str) -> None:
        if private:
            assert (number, command) in {("25", "h"), ("25", "l")}, (
                f"unknown mode {number}{command}"
            )
            self.cursor_shown = command == "h"
        elif command == "A":
            self.line = max(0, self.line - int(number or 1))
        elif command in "KJ":
            self.lines[self.line] = self.lines[self.line][: self.column]
            if command == "J":
                del self.lines[self.line + 1 :]
        else:
            assert command == "m", f"unknown command {command}"
