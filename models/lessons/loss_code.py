"""Reads the loss of a VAE out of a few lines of Python, where they have a common form.

Nothing is executed: the text is parsed, and the calls in it are looked at. Whatever is not
recognised or only guessed is reported.
"""

from __future__ import annotations

import ast
import re
from dataclasses import replace
from typing import NamedTuple

from models.theory.loss_scale import LossForm

MAX_LETTERS = 4000
_BINARY = {
    "binary_cross_entropy", "binary_cross_entropy_with_logits", "BCELoss", "BCEWithLogitsLoss",
    "binary_crossentropy", "BinaryCrossentropy",
}  # fmt: skip
_SQUARED = {"mse_loss", "MSELoss", "mean_squared_error", "MeanSquaredError"}
_LAST_AXIS = {"binary_crossentropy", "mean_squared_error"}
"""Functions of Keras: a mean over the last axis alone."""


class Recognised(NamedTuple):
    """What was read: the loss, and one sentence for every part of it."""

    form: LossForm
    notes: tuple[str, ...]


def recognise(code: str, start: LossForm | None = None) -> Recognised:
    """Reads a loss.

    Args:
        code: Lines of Python with the reconstruction and the KL, as in PyTorch or Keras.
        start: What is assumed of parts that the code does not show.

    Raises:
        ValueError: If it is no Python, is too long, or shows no reconstruction that is known.

    Example:
        >>> found = recognise('''
        ... recon = F.mse_loss(x_hat, x)
        ... kld = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())
        ... ''')
        >>> found.form.likelihood, found.form.pixels, found.form.batch, found.form.kl_batch
        ('mse', 'mean', 'mean', 'sum')
    """
    if len(code) > MAX_LETTERS:
        raise ValueError(f"the code must have at most {MAX_LETTERS} letters, got {len(code)}")
    try:
        tree = ast.parse(_dedented(code))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise ValueError(
            "the code must be Python: paste the lines that compute the loss, whole"
        ) from None
    form, notes = start or LossForm(), []
    statements = [node for node in ast.walk(tree) if isinstance(node, ast.stmt | ast.expr)]
    form, note = _reconstruction(statements, form)
    notes.append(note)
    form, note = _kl(statements, form)
    notes.append(note)
    form, note = _weights(tree, form)
    return Recognised(form, tuple(filter(None, [*notes, note])))


def _dedented(code: str) -> str:
    """The code at the margin, and without a lone `return`."""
    import textwrap

    text = textwrap.dedent(code.strip("\n"))
    return re.sub(r"^(\s*)return\b", r"\1_loss =", text, flags=re.MULTILINE)


def _name(call: ast.Call) -> str:
    """The last part of a call's name."""
    function = call.func
    if isinstance(function, ast.Call):  # nn.MSELoss(reduction="sum")(x_hat, x)
        return _name(function)
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def _calls(nodes: list[ast.AST]) -> list[ast.Call]:
    return [node for node in nodes if isinstance(node, ast.Call)]


def _keyword(call: ast.Call, name: str) -> object:
    """The value of a keyword that is written out; None if it is not there."""
    for keyword in call.keywords:
        if keyword.arg == name:
            try:
                return ast.literal_eval(keyword.value)
            except ValueError:
                return ast.unparse(keyword.value)
    return None


def _reconstruction(nodes: list[ast.AST], form: LossForm) -> tuple[LossForm, str]:
    """Reads which error it is, and how it is reduced."""
    for call in _calls(nodes):
        name = _name(call)
        if name not in _BINARY | _SQUARED:
            continue
        kind = "bce" if name in _BINARY else "mse"
        reduction = _keyword(call, "reduction")
        if isinstance(call.func, ast.Call):
            reduction = _keyword(call.func, "reduction")
        if _keyword(call, "size_average") is False:
            reduction = "sum"
        around = _around(nodes, call)
        if name in _LAST_AXIS and around:  # of a picture, the last axis is that of its channels
            reduction = "none"
        pixels, batch, how = _reduced(reduction, around)
        found = replace(form, likelihood=kind, pixels=pixels, batch=batch)
        return found, f"`{name}` is {_word(kind)}, {how}"
    for node in nodes:
        if (
            isinstance(node, ast.BinOp)
            and isinstance(node.op, ast.Pow)
            and _is_difference(node.left)
        ):
            pixels, batch, how = _reduced("none", _around(nodes, node))
            found = replace(form, likelihood="mse", pixels=pixels, batch=batch)
            return found, f"`{ast.unparse(node)}` is {_word('mse')}, {how}"
    raise ValueError(
        "the code must show the reconstruction as binary_cross_entropy, mse_loss or (x - y)**2, "
        "in PyTorch's or Keras's words: choose the loss by hand instead"
    )


def _word(kind: str) -> str:
    return "binary cross-entropy" if kind == "bce" else "a squared error"


def _is_difference(node: ast.AST) -> bool:
    return isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub)


class _Reduction(NamedTuple):
    """A `sum` or `mean` around an expression: over everything, or over some axes."""

    kind: str
    is_whole: bool


def _around(nodes: list[ast.AST], inner: ast.AST) -> list[_Reduction]:
    """The reductions around an expression, from the inside; those of a later line included."""
    found, wanted = [], {id(inner)}
    names: set[str] = set()
    for _ in range(8):
        grown = False
        for node in nodes:
            if isinstance(node, ast.Assign) and _holds(node.value, wanted, names):
                fresh = {t.id for t in node.targets if isinstance(t, ast.Name)} - names
                names |= fresh
                grown = grown or bool(fresh)
        if not grown:
            break
    seen: set[int] = set()
    reductions = [
        call for call in _calls(nodes)
        if _name(call) in ("sum", "mean", "reduce_sum", "reduce_mean") and id(call) not in seen
        and not seen.add(id(call)) and _is_of(call, wanted, names)
    ]  # fmt: skip
    for call in sorted(reductions, key=lambda call: (call.lineno, _size(call))):
        kind = "sum" if _name(call).endswith("sum") else "mean"
        found.append(_Reduction(kind, _is_whole(call)))
    return found


def _size(node: ast.AST) -> int:
    """How much an expression holds: what lies inside is smaller."""
    return sum(1 for _ in ast.walk(node))


def _holds(node: ast.AST, wanted: set[int], names: set[str]) -> bool:
    return any(
        id(part) in wanted or (isinstance(part, ast.Name) and part.id in names)
        for part in ast.walk(node)
    )


def _is_of(call: ast.Call, wanted: set[int], names: set[str]) -> bool:
    """Whether what a reduction is of holds the expression, or a name of it, and no other sum."""
    of = call.func.value if isinstance(call.func, ast.Attribute) else None
    parts = [*call.args, of] if of is not None else call.args
    return any(part is not None and _holds(part, wanted, names) for part in parts)


def _is_whole(call: ast.Call) -> bool:
    """Whether a reduction is over all axes."""
    is_method = isinstance(call.func, ast.Attribute) and not (
        isinstance(call.func.value, ast.Name)
        and call.func.value.id in ("torch", "tf", "np", "jnp", "K", "ops", "keras")
    )
    positional = call.args if is_method else call.args[1:]
    return not positional and all(_keyword(call, name) in (None,) for name in ("dim", "axis"))


def _reduced(reduction: object, around: list[_Reduction]) -> tuple[str, str, str]:
    """How pixels and batch are reduced, and the words for it."""
    if reduction == "sum":
        return _then(("sum", "sum"), around)
    if reduction == "none" or (reduction is not None and reduction != "mean"):
        if not around:
            return "sum", "mean", "reduced nowhere in this code: a sum over pixels is assumed"
        first, *rest = around
        if first.is_whole:
            return _then((first.kind, first.kind), rest)
        second = rest[0].kind if rest else "mean"
        how = f"a {first.kind} over pixels and a {second} over the batch"
        return first.kind, second, how
    return _then(("mean", "mean"), around)


def _then(pair: tuple[str, str], around: list[_Reduction]) -> tuple[str, str, str]:
    pixels, batch = pair
    both = "over pixels and batch"
    return pixels, batch, f"a {pixels} {both}"


def _kl(nodes: list[ast.AST], form: LossForm) -> tuple[LossForm, str]:
    """Reads how the KL is reduced, and whether it has its half."""
    for node in nodes:
        if not (isinstance(node, ast.BinOp) and _is_kl(node)):
            continue
        around = _around(nodes, node)
        text = ast.unparse(node)
        half = any(
            isinstance(part, ast.Constant) and part.value == 0.5
            for other in nodes
            if isinstance(other, ast.BinOp | ast.Call) and _contains(other, node)
            for part in ast.walk(other)
        ) or bool(re.search(r"/ ?2\b|0?\.5\b", " ".join(map(ast.unparse, _lines(nodes, node)))))
        if not around:
            return replace(form, half=half), f"`{text}` is the KL, reduced nowhere in this code"
        first, *rest = around
        latents = first.kind
        batch = first.kind if first.is_whole else rest[0].kind if rest else "mean"
        note = f"`{text}` is the KL, a {latents} over latents and a {batch} over the batch"
        note += "" if half else ", without its factor ½"
        return replace(form, kl_latents=latents, kl_batch=batch, half=half), note
    return form, "No KL of the usual form was found: a sum over latents is assumed"


def _lines(nodes: list[ast.AST], inner: ast.AST) -> list[ast.AST]:
    return [n for n in nodes if isinstance(n, ast.Assign) and _contains(n, inner)]


def _contains(outer: ast.AST, inner: ast.AST) -> bool:
    return any(part is inner for part in ast.walk(outer))


def _is_kl(node: ast.BinOp) -> bool:
    """1 + ln σ² − μ² − σ², in any order and sign: the largest sum with all of them."""
    if not isinstance(node.op, ast.Add | ast.Sub):
        return False
    text = ast.unparse(node)
    has_square = bool(re.search(r"\*\* ?2|\.pow\(2\)|square\(", text))
    has_exp = "exp" in text or ("log" in text and re.search(r"sig|std|var", text) is not None)
    has_one = bool(re.search(r"(?<![\d.])1(?:\.0?)?(?![\d.])", text))
    return has_square and has_exp and has_one and not _has_reduction(node)


def _has_reduction(node: ast.AST) -> bool:
    return any(
        _name(call) in ("sum", "mean", "reduce_sum", "reduce_mean")
        for call in ast.walk(node)
        if isinstance(call, ast.Call)
    )


def _weights(tree: ast.AST, form: LossForm) -> tuple[LossForm, str]:
    """Reads a number in front of the KL in a sum such as `recon + 0.001 * kld`."""
    names = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and len(node.targets) == 1:
            target = node.targets[0]
            if isinstance(target, ast.Name) and isinstance(node.value, ast.Constant):
                names[target.id] = node.value.value
    for node in ast.walk(tree):
        if not (isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add)):
            continue
        for side in (node.left, node.right):
            if isinstance(side, ast.BinOp) and isinstance(side.op, ast.Mult):
                for number, other in ((side.left, side.right), (side.right, side.left)):
                    value = _number(number, names)
                    if value is not None and re.search(r"kl", ast.unparse(other), re.IGNORECASE):
                        return replace(form, weight=value), f"The KL is weighted by {value:g}"
    return form, ""


def _number(node: ast.AST, names: dict[str, object]) -> float | None:
    """A number that is written out, or by a name that was set to one."""
    value = node.value if isinstance(node, ast.Constant) else None
    if isinstance(node, ast.Name):
        value = names.get(node.id)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and 0 <= value < 1e9 else None
