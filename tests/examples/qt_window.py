"""A window over a library: a grid of thumbnails, searched as one types, never frozen.

    python qt_window.py PHOTOS
    python qt_window.py PHOTOS --query dog --close      # shows what it finds and closes itself

Needs PySide6. What is worth copying: searches run in a worker thread, each new one calls the one
before off, an answer that comes too late is dropped, and closing the window waits for the worker.
"""

from __future__ import annotations

import argparse
import itertools
import sys
import threading

from PySide6.QtCore import QObject, QRunnable, QSize, Qt, QThreadPool, QTimer, Signal
from PySide6.QtGui import QCloseEvent, QIcon, QPixmap
from PySide6.QtWidgets import (
    QApplication,
    QLabel,
    QLineEdit,
    QListView,
    QListWidget,
    QListWidgetItem,
    QVBoxLayout,
    QWidget,
)

import localsearch as ls

SIDE = 128  # pixels of a thumbnail


class Answers(QObject):
    """Signals carry answers from the worker's thread into that of the window."""

    synced = Signal(object)  # SyncReport, or an error
    progress = Signal(object)  # Progress
    found = Signal(int, object, list)  # number of the search, Page or error, JPEGs


class Search(QRunnable):
    """One search; `stop` calls it off."""

    def __init__(self, library: ls.Library, text: str, number: int, answers: Answers) -> None:
        super().__init__()
        self.library, self.text, self.number, self.answers = library, text, number, answers
        self.stop = threading.Event()

    def run(self) -> None:
        try:
            page = self.library.search(self.text, limit=50, stop=self.stop)
            jpegs = [self.library.thumbnail(hit.id) for hit in page]
        except ls.Cancelled:
            return
        except ls.LocalsearchError as error:
            self.answers.found.emit(self.number, error, [])
            return
        self.answers.found.emit(self.number, page, jpegs)


class Sync(QRunnable):
    """Brings the library up to date; photos can be searched meanwhile."""

    def __init__(self, library: ls.Library, answers: Answers) -> None:
        super().__init__()
        self.library, self.answers = library, answers
        self.stop = threading.Event()

    def run(self) -> None:
        try:
            # `progress` is called on this thread; the signal takes it to the window's.
            report = self.library.sync(progress=self.answers.progress.emit, stop=self.stop)
        except ls.LocalsearchError as error:
            self.answers.synced.emit(error)
            return
        self.answers.synced.emit(report)


class Window(QWidget):
    """A line to type in, a grid, a line that says what goes on."""

    def __init__(self, photos: str, query: str, close_after: bool) -> None:
        super().__init__()
        self.setWindowTitle("Photos")
        self.resize(900, 600)
        self.line = QLineEdit(query, placeholderText="dog -indoor")
        self.grid = QListWidget()
        self.grid.setViewMode(QListView.ViewMode.IconMode)
        self.grid.setIconSize(QSize(SIDE, SIDE))
        self.grid.setResizeMode(QListView.ResizeMode.Adjust)
        self.told = QLabel()
        layout = QVBoxLayout(self)
        for widget in (self.line, self.grid, self.told):
            layout.addWidget(widget)

        self.library = ls.open(photos)
        self.close_after = close_after
        self.pool = QThreadPool()
        self.numbers = itertools.count(1)
        self.latest = 0
        self.searching: Search | None = None
        self.answers = Answers()
        self.answers.synced.connect(self.show_report)
        self.answers.progress.connect(self.show_progress)
        self.answers.found.connect(self.show_page)

        self.waiting = QTimer(self, singleShot=True, interval=150)  # until one stops typing
        self.waiting.timeout.connect(self.search)
        self.line.textChanged.connect(self.waiting.start)
        self.syncing = Sync(self.library, self.answers)
        self.pool.start(self.syncing)

    def search(self) -> None:
        """Ask for what stands in the line; what was asked before is called off."""
        if self.searching is not None:
            self.searching.stop.set()
        text = self.line.text().strip()
        if not text:
            return
        self.latest = next(self.numbers)
        self.searching = Search(self.library, text, self.latest, self.answers)
        self.pool.start(self.searching)

    def show_progress(self, progress: ls.Progress) -> None:
        """Say how far the sync is."""
        self.told.setText(f"{progress.stage}: {progress.done}/{progress.total}")

    def show_report(self, report: object) -> None:
        """Say what the sync has done, and search again: there may be more now."""
        if isinstance(report, ls.SyncReport):
            report = f"{report.added} new photos"
        self.told.setText(str(report))
        self.search()

    def show_page(self, number: int, page: object, jpegs: list[bytes]) -> None:
        """Fill the grid, unless something else was asked meanwhile."""
        if number != self.latest:
            return
        self.grid.clear()
        if not isinstance(page, ls.Page):
            self.told.setText(str(page))  # its message and hint are made to be shown
        else:
            for hit, jpeg in zip(page, jpegs, strict=True):
                picture = QPixmap()
                picture.loadFromData(jpeg, "JPG")
                name = hit.path.name if hit.path is not None else hit.id
                item = QListWidgetItem(QIcon(picture), f"{hit.score:.2f} {name}")
                item.setData(Qt.ItemDataRole.UserRole, hit.id)
                self.grid.addItem(item)
            self.told.setText(f"{page.total} photos")
        if self.close_after:
            print(self.told.text(), self.grid.count(), "shown")
            for row in range(self.grid.count()):
                item = self.grid.item(row)
                print(item.text(), item.icon().availableSizes()[0].width() > 0)
            self.close()

    def closeEvent(self, event: QCloseEvent) -> None:
        """Stop what is under way, wait for the worker, close the library."""
        self.waiting.stop()
        self.syncing.stop.set()
        if self.searching is not None:
            self.searching.stop.set()
        self.pool.waitForDone()
        self.library.close()
        event.accept()


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("photos")
    arguments.add_argument("--query", default="")
    arguments.add_argument("--close", action="store_true")
    asked = arguments.parse_args()
    application = QApplication(sys.argv[:1])
    window = Window(asked.photos, asked.query, asked.close)
    window.show()
    sys.exit(application.exec())


if __name__ == "__main__":
    main()
