"""Items made ahead of use in a thread of their own."""

import threading

import pytest

from facesolve.runtime.prefetch import ahead


def test_items_come_in_order_and_are_made_ahead_in_another_thread():
    made, threads = [], set()

    def items():
        for number in range(7):
            made.append(number)
            threads.add(threading.get_ident())
            yield number

    results = ahead(items(), 3)
    assert next(results) == 0
    for _ in range(1000):
        if len(made) >= 4:
            break
        threading.Event().wait(0.005)
    assert 3 <= len(made) <= 4
    assert list(results) == [1, 2, 3, 4, 5, 6]
    assert len(threads) == 1
    assert threading.get_ident() not in threads


def test_an_error_is_raised_in_its_place():
    def items():
        yield 1
        raise ValueError("second")

    results = ahead(items(), 5)
    assert next(results) == 1
    with pytest.raises(ValueError, match="second"):
        next(results)


def test_leaving_early_ends_the_making():
    ended = []

    def items():
        try:
            yield from range(1000)
        finally:
            ended.append(True)

    results = ahead(items(), 4)
    assert next(results) == 0
    results.close()
    assert ended == [True]
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("ahead")]
