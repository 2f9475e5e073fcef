"""Prepare the next pieces of a file in a thread while the one before is being stored."""

import queue
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

Item = TypeVar("Item")
_WAITS_SECONDS = 2.0


class _End:
    """No more items; `fault` is what ended them too early."""

    def __init__(self, fault: BaseException | None) -> None:
        self.fault = fault


class _Ahead(Generic[Item]):
    def __init__(self, items: Iterable[Item], most: int) -> None:
        self._items = items
        self._ready: queue.Queue[Item | _End] = queue.Queue(most)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="reading ahead", daemon=True)
        self._thread.start()

    def __iter__(self) -> Iterator[Item]:
        while not isinstance(item := self._ready.get(), _End):
            yield item
        if item.fault is not None:
            raise item.fault

    def stop(self) -> None:
        self._stopped.set()
        deadline = time.monotonic() + _WAITS_SECONDS  # a terminal or a pipe may say nothing for ever
        while self._thread.is_alive() and time.monotonic() < deadline:
            try:
                self._ready.get(timeout=0.05)
            except queue.Empty:
                continue

    def _run(self) -> None:
        fault: BaseException | None = None
        try:
            for item in self._items:
                self._ready.put(item)
                if self._stopped.is_set():
                    return
        except BaseException as raised:  # it is raised where the items are used
            fault = raised
        self._ready.put(_End(fault))


@contextmanager
def reading_ahead(items: Iterable[Item], most: int = 1) -> Iterator[Iterable[Item]]:
    """The items in their order; up to `most` of them are waiting, and one is being made, while one is used."""
    ahead = _Ahead(items, most)
    try:
        yield ahead
    finally:
        ahead.stop()
