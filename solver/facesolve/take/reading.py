"""The one place where bytes become values: JSON, TOML and arrays, within limits of size, depth and count.

Knows no format: what a file must hold is a check (``checks``) or a table of arrays that the reader passes in. Whatever
the bytes are, there is a value or one TakeError that names the file; no object is ever unpickled.
"""

from __future__ import annotations

import hashlib
import importlib
import io
import json
import re
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Callable, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple, Union

import numpy as np

from .checks import Check, shown
from .errors import TakeError

LARGEST_TEXT = 64 << 20  # bytes of a text file
DEEPEST = 40  # objects and lists in one another
MOST_CONTAINERS = 200_000  # objects and lists of one file
MOST_VALUES = 4_000_000
LARGEST_ARRAYS = 8 << 30  # bytes of all arrays of a file, unpacked
MOST_ARRAYS = 20_000
_CHUNK = 1 << 20  # bytes that are unpacked at once

# a string up to its end, or up to the end of a text that is cut inside of it; or a bracket
_STRUCTURE = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*(?:"|\\?\Z)|[{}\[\]]', re.DOTALL)

_QUOTED = re.compile(r'"[^"\n]*"|\'[^\'\n]*\'')

_TEXT, _TRUTH, _WHOLE, _REAL = "U", "b", "iu", "fiu"
KINDS = {"numbers": _REAL, "whole numbers": _WHOLE, "text": _TEXT, "true or false": _TRUTH}


@dataclass(frozen=True)
class ArrayKind:
    """What an array of a file may be.

    kind: ``numbers``, ``whole numbers``, ``text`` or ``true or false``. shapes: those it may have; a dimension is a
    number, or a letter with a limit in ``sizes``, the same in all arrays of a file that use it; an upper-case letter
    must be one at least. optional: may be absent. finite: no NaN and no infinity.
    least: of the values; largest: of their absolute values. longest: characters of text.
    """

    kind: str
    shapes: Tuple[Tuple[Union[int, str], ...], ...]
    optional: bool = False
    finite: bool = True
    least: float = float("-inf")
    largest: float = float("inf")
    longest: int = 1000


@dataclass(frozen=True)
class ArrayTable:
    """The arrays of a file by name. patterns: further ones by regular expression. sizes: most that a letter may be.

    others: arrays of other names are left unread; without it they are refused.
    """

    known: Mapping[str, ArrayKind]
    sizes: Mapping[str, int]
    patterns: Mapping[str, ArrayKind] = ()  # type: ignore[assignment]
    others: bool = False

    def kind_of(self, name: str) -> Optional[ArrayKind]:
        """What the array ``name`` may be; None for one that the table does not know."""
        if name in self.known:
            return self.known[name]
        for pattern in self.patterns:
            if re.fullmatch(pattern, name):
                return self.patterns[pattern]
        return None


Tables = Union[ArrayTable, Callable[[Sequence[str]], ArrayTable]]  # one, or which one for arrays of some names


def read_bytes(path: Path, what: str, largest: int = LARGEST_TEXT) -> bytes:
    """The file's bytes. TakeError names ``what`` and the file when it is missing, unreadable or too large."""
    try:
        with open(str(path), "rb") as stream:
            data = stream.read(largest + 1)
    except FileNotFoundError:
        raise TakeError("{}: '{}' does not exist.".format(what, path)) from None
    except OSError as error:
        raise TakeError("{}: '{}' cannot be read ({}).".format(what, path, error.strerror)) from None
    except ValueError:  # a NUL in the path
        raise TakeError("{}: {} is not a path.".format(what, shown(str(path)))) from None
    if len(data) > largest:
        raise TakeError(
            "{}: '{}' is larger than {} MB; it is not such a file.".format(what, path, max(largest >> 20, 1))
        )
    return data


def read_text(path: Path, what: str) -> str:
    """The text of a file in UTF-8. TakeError as of ``read_bytes``, and for other bytes."""
    try:
        return read_bytes(path, what).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise TakeError("{}: '{}' is not a text file in UTF-8.".format(what, path)) from None


def read_json(path: Path, what: str) -> Dict[str, Any]:
    """The JSON object in ``path``; TakeError names ``what`` and the file if it is missing or not JSON."""
    try:
        value = json_value(read_bytes(path, what))
    except BadText as error:
        raise TakeError("{}: '{}' is not valid JSON ({}).".format(what, path, error)) from None
    if not isinstance(value, dict):
        raise TakeError("{}: '{}' must hold a JSON object.".format(what, path))
    return value


class BadText(ValueError):
    """Why a text is not JSON or TOML, a few words."""


def json_value(data: Union[bytes, str]) -> Any:
    """The value of a JSON text within the limits of this module; BadText for any other text.

    Refused with it: numbers that JSON does not have (NaN, 1e999) or beyond 64 bits, a name that stands twice in one
    object, halves of characters.
    """
    if isinstance(data, str):
        data = data.encode("utf-8", "surrogatepass")
    _check_nesting(data)
    try:
        value = json.loads(data.decode("utf-8-sig"), object_pairs_hook=_distinct, parse_constant=_no_constant)
        _check_values(value)
    except RecursionError:
        raise BadText("it is nested too deeply") from None
    except BadText:
        raise
    except ValueError as error:  # of json and of the decoder, whose text may quote the file
        raise BadText(str(error)[:200]) from None
    return value


def read_toml(path: Path, what: str) -> Dict[str, Any]:
    """The table of a TOML file within the limits of this module. TakeError."""
    text, reader = read_text(path, what), _toml(path, what)
    try:
        _check_nesting(text.encode("utf-8"))
        if any(_dots(line) > DEEPEST for line in text.split("\n")):
            raise BadText("it is nested more than {} deep".format(DEEPEST))
        value: Dict[str, Any] = reader.loads(text)
        _check_values(value)
    except RecursionError:
        raise TakeError("{}: '{}' cannot be read: it is nested too deeply.".format(what, path)) from None
    except ValueError as error:
        raise TakeError("{}: '{}' cannot be read: {}.".format(what, path, str(error)[:200].rstrip("."))) from None
    return value


def _toml(path: Path, what: str) -> Any:
    """The module that reads TOML: Python's own from 3.11 on, before it tomli."""
    for name in ("tomllib", "tomli"):
        try:
            return importlib.import_module(name)
        except ImportError:
            continue
    raise TakeError(
        "{}: '{}' is TOML, which Python reads from 3.11 on; write the same keys as a .json file.".format(what, path)
    )


def _check_nesting(data: bytes) -> None:
    """Raises BadText for a text that would cost more stack or memory than any file of ours: before it is parsed."""
    if len(data) > LARGEST_TEXT:
        raise BadText("it is larger than {} MB".format(LARGEST_TEXT >> 20))
    if data.count(b",") > MOST_VALUES:
        raise BadText("it has more than {} values".format(MOST_VALUES))
    depth = containers = 0
    for match in _STRUCTURE.finditer(data):
        token = match.group()
        if token in (b"}", b"]"):
            depth -= 1
        elif token in (b"{", b"["):
            depth, containers = depth + 1, containers + 1
            if depth > DEEPEST:
                raise BadText("it is nested more than {} deep".format(DEEPEST))
            if containers > MOST_CONTAINERS:
                raise BadText("it has more than {} objects and lists".format(MOST_CONTAINERS))


def _dots(line: str) -> int:
    """Dots of the dotted key in a line of TOML: tables in one another, each of which is searched from the root."""
    key = _QUOTED.sub("", line).partition("=")[0]
    return 0 if "," in key else key.count(".")


def _distinct(pairs: List[Tuple[str, Any]]) -> Dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise BadText("it has {} twice".format(shown(twice)))
    return value


def _no_constant(word: str) -> Any:
    raise BadText("it holds {}, which JSON does not have".format(word))


def _check_values(value: Any) -> None:
    """Raises BadText for a number that no float64 or int64 holds, and for text that cannot be written again."""
    open_values = [value]
    while open_values:
        one = open_values.pop()
        if isinstance(one, dict):
            open_values.extend(one)
            open_values.extend(one.values())
        elif isinstance(one, list):
            open_values.extend(one)
        elif isinstance(one, str):
            if "\0" in one or any("\ud800" <= letter <= "\udfff" for letter in one if letter > "\ud7ff"):
                raise BadText("it holds the text {}, which is no text".format(shown(one)))
        elif isinstance(one, int) and not -(2**63) <= one < 2**64:
            raise BadText("it holds a whole number beyond 64 bits")
        elif isinstance(one, float) and one in (float("inf"), float("-inf")):
            raise BadText("it holds a number beyond 64 bits")


def checked(record: Any, check: Check, what: str, path: Path, remedy: str) -> Any:
    """``record``, the content of ``path``, by ``check``; a TakeError ends with ``remedy``."""
    try:
        return check(record, "{}: '{}':".format(what, path))
    except TakeError as error:
        raise TakeError("{}; {}.".format(str(error).rstrip("."), remedy)) from None


def about(path: Path, error: TakeError) -> TakeError:
    """``error`` about what ``path`` holds, with the path named where its sentence does not."""
    return error if str(path) in str(error) else TakeError("'{}': {}".format(path, error))


def read_npz(path: Path, what: str, sha256: str = "", table: Optional[Tables] = None) -> Dict[str, np.ndarray]:
    """The arrays in ``path`` that ``table`` names, all of them without one.

    TakeError if it is missing, damaged, pickled, not the file of ``sha256``, or holds other arrays than the table says.
    The header of an array is compared with the table and with the archive before memory is taken for it.
    """
    try:
        with open(str(path), "rb") as stream:
            if sha256 and _digest(stream) != sha256:
                raise TakeError("{}: '{}' does not match its JSON file; write both again.".format(what, path))
            stream.seek(0)
            return _archived(stream, "{}: '{}'".format(what, path), table)
    except FileNotFoundError:
        raise TakeError("{}: '{}' does not exist.".format(what, path)) from None
    except OSError as error:
        raise TakeError("{}: '{}' cannot be read ({}).".format(what, path, error.strerror or error)) from None
    except ValueError:  # a NUL in the path
        raise TakeError("{}: {} is not a path.".format(what, shown(str(path)))) from None


def read_npy(path: Path, what: str, kind: ArrayKind, sizes: Mapping[str, int]) -> np.ndarray:
    """The one array in an ``.npy`` file. TakeError as of ``read_npz``."""
    where = "{}: '{}'".format(what, path)
    data = read_bytes(path, what, LARGEST_ARRAYS)
    try:
        header = _header(io.BytesIO(data), len(data))
    except Exception:  # numpy's header is Python source: it raises what a parser may raise
        raise TakeError("{} is not a readable .npy file; write it again.".format(where)) from None
    _check_header(header, kind, sizes, {}, "{} holds an array that".format(where))
    array = _unpacked(io.BytesIO(data[header.offset :]), header)
    _check_numbers(array, kind, where)
    return array


@dataclass(frozen=True)
class _Header:
    shape: Tuple[int, ...]
    fortran: bool
    dtype: np.dtype
    offset: int  # bytes before the first number


def _digest(stream: BinaryIO) -> str:
    digest = hashlib.sha256()
    for chunk in iter(lambda: stream.read(_CHUNK), b""):
        digest.update(chunk)
    return digest.hexdigest()


def _archived(stream: BinaryIO, where: str, chosen: Optional[Tables]) -> Dict[str, np.ndarray]:
    damaged = TakeError(
        "{} is not a readable .npz file (damaged, or it holds Python objects, which are never read); write it "
        "again.".format(where)
    )
    arrays: Dict[str, np.ndarray] = {}
    sizes: Dict[str, int] = {}
    try:
        archive = zipfile.ZipFile(stream)
        listed = list(_members(archive))
    except Exception:  # zipfile raises many kinds for damaged data
        raise damaged from None
    names = [name for name, _ in listed]
    if len(set(names)) != len(names):
        raise TakeError("{} holds an array twice; write it again.".format(where))
    table = chosen(names) if callable(chosen) else chosen
    for name, info in listed:
        kind = None if table is None else table.kind_of(name)
        if table is not None and kind is None:
            if table.others:
                continue
            raise TakeError("{} holds {}, an array that is not known.".format(where, shown(name)))
        subject = "{}: {}".format(where, name)
        try:
            with archive.open(info) as member:
                header = _header(member, info.file_size)
                if table is not None and kind is not None:
                    _check_header(header, kind, table.sizes, sizes, subject)
                arrays[name] = _unpacked(member, header)
        except TakeError:
            raise
        except Exception:  # numpy, zipfile and zlib raise many kinds for damaged data
            raise damaged from None
        if kind is not None:
            _check_numbers(arrays[name], kind, subject)
    for name in () if table is None else table.known:
        if name not in arrays and not table.known[name].optional:  # type: ignore[union-attr]
            raise TakeError("{} lacks {}.".format(where, name))
    return arrays


def _members(archive: zipfile.ZipFile) -> Iterator[Tuple[str, zipfile.ZipInfo]]:
    """Arrays in the archive by name. ValueError for one that numpy does not write, and for too many or too large."""
    infos = archive.infolist()
    if len(infos) > MOST_ARRAYS or sum(info.file_size for info in infos) > LARGEST_ARRAYS:
        raise ValueError("too large")
    for info in infos:
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) or info.flag_bits & 1:
            raise ValueError("packed otherwise")
        name = info.filename
        yield (name[:-4] if name.endswith(".npy") else name), info


def _header(stream: Any, size: int) -> _Header:
    """The header of an array of ``size`` bytes in all. ValueError when they do not agree, or for Python objects."""
    version = np.lib.format.read_magic(stream)
    read = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}[version]
    shape, fortran, dtype = read(stream)
    offset = stream.tell()
    if dtype.hasobject or any(length < 0 for length in shape):
        raise ValueError("objects")
    count = dtype.itemsize
    for length in shape:  # whole numbers of Python: numpy's would overflow
        count *= length
    if count != size - offset:
        raise ValueError("another size")
    return _Header(tuple(shape), fortran, dtype, offset)


def _unpacked(stream: Any, header: _Header) -> np.ndarray:
    """The numbers behind a header, in memory that grows with what is really there."""
    array = np.empty(header.shape, header.dtype, "F" if header.fortran else "C")
    if not array.size or not header.dtype.itemsize:
        return array
    flat = array.reshape(-1, order="A").view(np.uint8)  # shares its memory
    done = 0
    while done < len(flat):
        chunk = stream.read(min(_CHUNK, len(flat) - done))
        if not chunk:
            raise ValueError("cut short")
        flat[done : done + len(chunk)] = np.frombuffer(chunk, np.uint8)
        done += len(chunk)
    stream.read(1)  # past the end of a member its checksum is compared
    return array


def _check_header(header: _Header, kind: ArrayKind, most: Mapping[str, int], sizes: Dict[str, int], where: str) -> None:
    """Raises TakeError unless an array's kind and shape are those of ``kind``; notes the letters in ``sizes``."""
    if header.dtype.kind not in KINDS[kind.kind]:
        raise TakeError("{} is of type {}, expected {}.".format(where, header.dtype, kind.kind))
    if kind.kind == "text" and header.dtype.itemsize > 4 * kind.longest:
        raise TakeError(
            "{} holds text of {} characters, expected at most {}.".format(
                where, header.dtype.itemsize // 4, kind.longest
            )
        )
    for shape in kind.shapes:
        letters = _fitted(header.shape, shape, most, sizes)
        if letters is not None:
            sizes.update(letters)
            return
    wanted = " or ".join(_shape_in_words(shape, sizes) for shape in kind.shapes)
    raise TakeError("{} has shape {}, expected {}.".format(where, header.shape, wanted))


def _shape_in_words(shape: Tuple[Union[int, str], ...], sizes: Mapping[str, int]) -> str:
    lengths = ", ".join(str(sizes.get(str(length), length)) for length in shape)
    return "({}{})".format(lengths, "," if len(shape) == 1 else "")


def _fitted(
    shape: Tuple[int, ...], wanted: Tuple[Union[int, str], ...], most: Mapping[str, int], sizes: Mapping[str, int]
) -> Optional[Dict[str, int]]:
    """The letters of ``wanted`` when ``shape`` fits it, else None."""
    if len(shape) != len(wanted):
        return None
    letters: Dict[str, int] = {}
    for length, dimension in zip(shape, wanted):
        if isinstance(dimension, int):
            if length != dimension:
                return None
            continue
        known = letters.get(dimension, sizes.get(dimension))
        least = 1 if dimension[0].isupper() else 0
        if (known is not None and length != known) or not least <= length <= most[dimension]:
            return None
        letters[dimension] = length
    return letters


def _check_numbers(array: np.ndarray, kind: ArrayKind, where: str) -> None:
    if array.dtype.kind not in "fiu" or not array.size:
        return
    if kind.finite and array.dtype.kind == "f":
        bad = np.argwhere(~np.isfinite(array))
        if len(bad):
            place = ", ".join(map(str, bad[0].tolist()))
            raise TakeError("{} holds a number that is not finite, at [{}].".format(where, place))
    if kind.largest < float("inf") and max(-float(array.min()), float(array.max())) > kind.largest:
        raise TakeError("{} holds a number beyond {:g}.".format(where, kind.largest))
    if float(array.min()) < kind.least:
        raise TakeError("{} holds {}, which is less than {:g}.".format(where, array.min(), kind.least))
