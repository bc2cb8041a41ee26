"""The pack alive in this process: encoders opened at first use and kept, and the pipeline on them.

A concept search never loads the network; the first visual query or sync does.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from localsearch.catalog.forks import inside
from localsearch.catalog.truth import Truth
from localsearch.errors import LibraryClosed, PackError
from localsearch.machine import usable_cores
from localsearch.pack import Pack

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from localsearch.encoders.choice import Choice
    from localsearch.encoders.image import ImageEncoder
    from localsearch.encoders.text import TextEncoder
    from localsearch.encoders.text_network import TextNetwork
    from localsearch.library.opened_with import Options
    from localsearch.pipeline.job import Job, Outcome
    from localsearch.pipeline.look import Region
    from localsearch.sources.limits import Limits

THUMBNAIL_SIDE = 320  # pixels of the short side; at least the pack's input, so that a new pack fits


class Models:
    """Holds the encoders of one library; thread-safe."""

    def __init__(self, pack: Pack, options: Options) -> None:
        self._pack, self._provider = pack, options.provider
        self._memory, self._threads = options.memory, options.threads
        self._one_shot = options.one_shot
        self._encoders: dict[int, ImageEncoder] = {}
        self._text: TextEncoder | TextNetwork | None = None
        self._closed = False
        self.begin_anew()

    def begin_anew(self) -> None:
        """After a fork, in the child: the threads of the networks are in the parent only.

        Their memory is never given back here: that would wait for those threads.
        """
        import ctypes

        for encoder in self._encoders.values():
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(encoder))
        if self._text is not None:
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(self._text))
        self._lock = threading.Lock()
        self._encoders, self._text = {}, None

    @property
    def limits(self) -> Limits:
        """The limits on one picture."""
        from localsearch.sources.limits import Limits

        return Limits()

    def encoder(self, threads: int = 1) -> ImageEncoder:
        """The encoder with that many threads; opened once. LibraryClosed after `close`."""
        with self._lock:
            if self._closed:
                raise _closed()
            if threads not in self._encoders:
                self._encoders[threads] = self._opened(threads)
            return self._encoders[threads]

    def _opened(self, threads: int) -> ImageEncoder:
        # A fork waits: what ONNX Runtime locks while it is loaded would be locked in the child.
        with inside():
            from localsearch.encoders.image import open_image_encoder

            return open_image_encoder(
                self._pack, provider=self._provider, threads=threads, memory=self._memory
            )

    def choice(self) -> Choice | None:
        """What runs the image network, and why; None while it is not loaded."""
        with self._lock:
            return next((one.choice for one in self._encoders.values()), None)

    def choices(self) -> tuple[Choice, ...]:
        """What runs each network that is loaded; asking loads none."""
        with self._lock:
            found = [one.choice for one in self._encoders.values()]
            found += [] if self._text is None or self._text.choice is None else [self._text.choice]
            return tuple(found)

    @property
    def wanted_provider(self) -> str:
        """What was asked for at open."""
        return self._provider

    def outcome_of(self, data: bytes) -> Outcome:
        """Features of one encoded picture, or its refusal. LibraryClosed after `close`."""
        with inside():
            from localsearch.pipeline.one import features_of_one

        with self._told_if_closed():
            return features_of_one(data, self.encoder(), self._pack.image, self.limits)

    def vector_of_part(self, data: bytes, region: Region) -> npt.NDArray[np.float16]:
        """The unit vector, float16 [D], of a part of an encoded picture.

        `region` in fractions of the upright picture: left, top, right, bottom. Raises
        PictureError, InputError for a part of hardly any pixels, LibraryClosed after `close`.
        """
        with inside():
            from localsearch.pipeline.one import vector_of_part

        with self._told_if_closed():
            return vector_of_part(data, region, self.encoder(), self._pack.image, self.limits)

    def vector_of_text(self, text: str) -> npt.NDArray[np.float32]:
        """The unit vector of a text, float32 [D]; opens no image network.

        Raises QueryNoText where the pack's text part reads nothing in it, LibraryClosed after
        `close`, and as `open_text_encoder`.
        """
        with self._told_if_closed():
            return self._text_encoder().encode(text)

    def _text_encoder(self) -> TextEncoder | TextNetwork:
        with self._lock:
            if self._closed:
                raise _closed()
            if self._text is None:
                # A fork waits, as for the image network.
                with inside():
                    from localsearch.encoders.text_network import open_text_encoder

                    # One text at a time: all cores work on it.
                    threads = self._threads or usable_cores()
                    self._text = open_text_encoder(
                        self._pack,
                        provider=self._provider,
                        threads=threads,
                        packed=not self._one_shot,
                    )
            return self._text

    def reader(
        self,
        truth: Truth,
        *,
        threads: int | None = None,
        gentle: bool = False,
        thumbnails: bool = True,
        afresh: bool = False,
    ) -> Callable[[Iterable[Job], Callable[[], bool]], Iterator[Outcome]]:
        """The pipeline: jobs in, outcomes out, contents that are known already not inferred, but
        `afresh` all of them.

        It raises LibraryClosed when `close` comes in between.
        """
        with inside():
            from localsearch.catalog.known import facts_of_digest
            from localsearch.pipeline.stages import features_of

        sure: set[bytes] = set()  # of this run: ten thousand copies ask for the same content

        def known(digest: bytes) -> bool:
            if afresh:
                return False
            if digest in sure:
                return True
            if not truth.features.have_whole([digest]):
                return False
            with truth.catalog.reading() as conn:
                if facts_of_digest(conn, digest) is None:
                    return False
            sure.add(digest)
            return True

        run = partial(
            features_of,
            encoder_factory=self.encoder,
            image=self._pack.image,
            known=known,
            thumbnail_side=THUMBNAIL_SIDE if thumbnails else 0,
            limits=self.limits,
            threads=threads or self._threads,
            gentle=gentle,
            memory=self._memory,
        )

        def read(jobs: Iterable[Job], stop: Callable[[], bool]) -> Iterator[Outcome]:
            with self._told_if_closed():
                yield from run(jobs, stop=stop)

        return read

    @contextmanager
    def _told_if_closed(self) -> Iterator[None]:
        """An encoder that was closed under a thread at work is a library that was closed."""
        try:
            yield
        except PackError as fault:
            if not self._closed:
                raise
            raise _closed() from fault

    def close(self) -> None:
        """Release the sessions and their memory."""
        with self._lock:
            self._closed = True
            for encoder in self._encoders.values():
                encoder.close()
            self._encoders.clear()
            if self._text is not None:
                self._text.close()


def _closed() -> LibraryClosed:
    return LibraryClosed("this library was closed", hint="open it again")
