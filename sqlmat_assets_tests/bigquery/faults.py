"""What is to go wrong between a client and the double."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from sqlmat_assets_tests.bigquery.wire import ApiError


@dataclass(frozen=True, slots=True)
class Request:
    """A request of a client: the method, the path without what is the same in all, and the job or table it is about."""

    number: int
    method: str
    path: str
    about: str

    def __str__(self) -> str:
        return f"{self.method} {self.path} {self.about}".rstrip()


@dataclass(slots=True)
class Faults:
    """Requests are counted from 1 since the last `count_anew`."""

    requests: list[Request] = field(default_factory=list)
    _drops: list[tuple[Callable[[Request], bool], bool]] = field(default_factory=list)
    _answers: list[tuple[Callable[[Request], bool], ApiError]] = field(default_factory=list)
    _guard: threading.Lock = field(default_factory=threading.Lock)

    def count_anew(self) -> None:
        with self._guard:
            self.requests.clear()

    def drop_at(self, number: int, *, after: bool = False, times: int = 1) -> None:
        """Lose the connection at the n-th request, before it is heard or `after` it was done."""
        for each in range(number, number + times):
            self.drop_where(lambda request, each=each: request.number == each, after=after)

    def drop_where(self, applies: Callable[[Request], bool], *, after: bool = False) -> None:
        """Lose the connection at the next request of which this is true."""
        with self._guard:
            self._drops.append((applies, after))

    def answer_where(self, applies: Callable[[Request], bool], error: ApiError) -> None:
        """Answer the next request of which this is true with an error, without doing anything."""
        with self._guard:
            self._answers.append((applies, error))

    def note(self, method: str, path: str, about: str) -> Request:
        with self._guard:
            request = Request(len(self.requests) + 1, method, path, about)
            self.requests.append(request)
            return request

    def find_drop(self, request: Request) -> bool | None:
        """Whether the connection is lost after it (True), before it (False), or not at all."""
        with self._guard:
            for index, (applies, after) in enumerate(self._drops):
                if applies(request):
                    del self._drops[index]
                    return after
        return None

    def find_answer(self, request: Request) -> ApiError | None:
        with self._guard:
            for index, (applies, error) in enumerate(self._answers):
                if applies(request):
                    del self._answers[index]
                    return error
        return None
