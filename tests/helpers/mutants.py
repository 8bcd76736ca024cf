"""Damages files at random: checkpoints, images and archives, JSON; what they may then do.

Every function takes a NumPy generator, so that its seed makes the same damage again.
"""

import copy
import hashlib
import json

from models.data.image_set import DataError
from models.data.ingest import read_upload
from models.storage.checkpoint import read, restore
from models.storage.tensors import CheckpointError
from tests.helpers.checkpoint_files import put_together, take_apart
from tests.helpers.sentences import assert_sentence

WEIRD = (
    None, True, -1, 0, 1, 7, 1.5, -0.0, 1e300, 2**31, 2**63, 10**30, "", "a", "\0", "\ud800",
    "1" * 99, "F16", "F8_E4M3", [], [0], [[]], [1, 2, 3, 4, 5], {}, {"a": {}}, [2**62] * 4,
)  # fmt: skip


def pick(things, random):
    """One of several things."""
    return things[random.integers(0, len(things))]


# --- any file ------------------------------------------------------------------------------------


def mutate_bytes(data: bytes, random, favoured: int = 0) -> bytes:
    """A few bytes flipped, left out, doubled, moved or cut off.

    Args:
        data: Of the file.
        random: Says what and where.
        favoured: First bytes that are damaged more often; 0 for all of them.
    """
    out = bytearray(data)
    for _ in range(random.integers(1, 4)):
        limit = favoured if favoured and random.random() < 0.7 else len(data)
        here, there = random.integers(0, max(1, limit), 2)
        length = int(random.integers(1, 9))
        match random.integers(0, 5):
            case 0 if out:
                here = min(here, len(out) - 1)
                out[here] ^= 1 << random.integers(0, 8)
            case 1:
                out[here : here + length] = random.bytes(length)
            case 2:
                out[here:here] = random.bytes(length)
            case 3:
                out[here:here] = out[there : there + length]
            case 4:
                del out[here : here + (length if random.random() < 0.9 else len(out))]
        if len(out) < 2:
            break
    return bytes(out)


def spoil(documents: list, random) -> None:
    """Replaces one or two values of JSON documents by something strange, or leaves them out."""
    for _ in range(random.integers(1, 3)):
        node = pick(documents, random)
        while node:
            key = pick(list(node), random) if isinstance(node, dict) else 0
            if not isinstance(node[key], (dict, list)) or random.random() < 0.3:
                break
            node = node[key]
        if not node:
            continue
        if random.random() < 0.15:
            del node[key]
        elif random.random() < 0.1 and isinstance(node, dict):
            node[str(pick(WEIRD, random))] = node.pop(key)
        else:
            node[key] = copy.deepcopy(pick(WEIRD, random))


def mutate_json(data: bytes, random) -> bytes:
    """A document, or lines of them, with spoiled values; what is none, with spoiled bytes."""
    try:
        documents = [json.loads(data)]
    except ValueError:
        lines = data.splitlines()
        if not lines or not all(line.startswith(b"{") for line in lines):
            return mutate_bytes(data, random)
        documents = [json.loads(line) for line in lines]
    whole = [document for document in documents if isinstance(document, (dict, list))]
    if whole:
        spoil(whole, random)
    return b"\n".join(json.dumps(document).encode() for document in documents)


# --- checkpoints ---------------------------------------------------------------------------------


def sign(data: bytes) -> bytes:
    """The file with the checksum of its payload in the place of the old one, if there is any."""
    length = int.from_bytes(data[:8], "little")
    place = data.find(b'"sha256":"') + 10
    if place < 10 or length > len(data):
        return data
    fitting = hashlib.sha256(data[8 + length :]).hexdigest().encode()
    return data[:place] + fitting + data[place + 64 :]


def mutate_checkpoint_bytes(data: bytes, random) -> bytes:
    """A few bytes damaged, more often in the header; half of the files are signed again."""
    out = mutate_bytes(data, random, 8 + int.from_bytes(data[:8], "little"))
    return sign(out) if random.random() < 0.5 else out


def mutate_checkpoint_values(data: bytes, random) -> bytes:
    """One or two values of header or card replaced by something strange, or left out."""
    card, header, parts = take_apart(data)
    spoil([card, header], random)
    try:
        return put_together(card, header, parts)
    except (KeyError, TypeError):  # no such part any more: the file as it was
        return data


def restores_or_refuses(data: bytes, path) -> bool:
    """Whether a checkpoint gives a model, of finite weights; else one sentence says why not."""
    path.write_bytes(data)
    try:
        checkpoint = read(path)
        model = restore(checkpoint)
    except CheckpointError as error:
        assert_sentence(str(error))
        return False
    json.dumps(checkpoint.card.to_json(), allow_nan=False).encode()
    assert all(value.isfinite().all() for value in model.state_dict().values())
    return True


# --- uploads -------------------------------------------------------------------------------------


def reads_or_refuses(files) -> bool:
    """Whether an upload gives a set of images; else one sentence says why not."""
    try:
        found = read_upload(files)
    except DataError as error:
        assert_sentence(str(error))
        return False
    assert len(found) >= 10 and found.scale > 0
    return True
