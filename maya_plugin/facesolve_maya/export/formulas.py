"""Expressions as Maya stores them, ``.O[0] = 0.5 * .I[0] + 0.1;``, read as sums, products and curves. Knows no scene.

What depends on time, asks if something holds, or calls what is not listed here is not read.
"""

from __future__ import annotations

import ast
import math
import re
from typing import Callable, Dict, List, Optional, Tuple

from .expressions import Constant, Curve, Expression, Product, Sum

Inputs = Callable[[int], Expression]  # of an index n, what arrives at ``.I[n]``

_STATEMENT = re.compile(r"^(?:float\s+)?(\.O\[\d+\]|\$\w+)\s*=(?!=)(.*)$", re.DOTALL)
_INPUT = re.compile(r"\.I\[(\d+)\]")
_FUNCTIONS: Dict[str, Tuple[Callable[[float], float], Tuple[float, ...]]] = {
    "abs": (abs, (0.0,)),
    "sqrt": (lambda x: math.sqrt(max(x, 0.0)), (0.0,)),
    "sin": (math.sin, ()),
    "cos": (math.cos, ()),
    "exp": (math.exp, ()),
    "deg_to_rad": (math.radians, ()),
    "rad_to_deg": (math.degrees, ()),
}  # of one number, and where they have corners


class Unreadable(ValueError):
    """What stands in an expression that is not read, a few words."""


def read_formula(text: str, output: int, inputs: Inputs) -> Expression:
    """What an expression's output is. Unreadable says why not."""
    known: Dict[str, Expression] = {}
    for statement in re.sub(r"//[^\n]*", "", text).split(";"):
        if not statement.strip():
            continue
        found = _STATEMENT.match(statement.strip())
        if found is None:
            raise Unreadable("it is more than a list of formulas")
        name, formula = found.group(1), _INPUT.sub(r"I_\1", found.group(2)).replace("$", "V_").strip()
        try:
            tree = ast.parse(formula, mode="eval")
        except SyntaxError:
            raise Unreadable("'{}' is no arithmetic".format(found.group(2).strip())) from None
        known[name.replace("$", "V_")] = _read(tree.body, known, inputs)
    wanted = ".O[{}]".format(output)
    if wanted not in known:
        raise Unreadable("it does not set this output")
    return known[wanted]


def _read(node: ast.AST, known: Dict[str, Expression], inputs: Inputs) -> Expression:
    number = _number(node)
    if number is not None:
        return Constant(float(number))
    if isinstance(node, ast.Name):
        if node.id.startswith("I_"):
            return inputs(int(node.id[2:]))
        if node.id in known:
            return known[node.id]
        raise Unreadable("it reads '{}'".format(node.id))
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.USub, ast.UAdd)):
        return Sum(((-1.0 if isinstance(node.op, ast.USub) else 1.0, _read(node.operand, known, inputs)),))
    if isinstance(node, ast.BinOp):
        if isinstance(node.op, ast.Div) and all(isinstance(_number(side), int) for side in (node.left, node.right)):
            raise Unreadable("it divides whole numbers, which Maya rounds")
        return _of_two(node.op, _read(node.left, known, inputs), _read(node.right, known, inputs))
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and not node.keywords:
        return _called(node.func.id, [_read(argument, known, inputs) for argument in node.args])
    raise Unreadable("it is more than arithmetic")


def _number(node: ast.AST) -> Optional[float]:
    """A number that is written out, whole ones as int."""
    value = getattr(node, "value", None) if type(node).__name__ == "Constant" else getattr(node, "n", None)
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def _of_two(operator: ast.operator, left: Expression, right: Expression) -> Expression:
    if isinstance(operator, ast.Add):
        return Sum(((1.0, left), (1.0, right)))
    if isinstance(operator, ast.Sub):
        return Sum(((1.0, left), (-1.0, right)))
    if isinstance(operator, ast.Mult):
        return Product((left, right))
    if isinstance(operator, ast.Div):
        if right.controls:
            return Product((left, Curve(right, lambda x: 1.0 / x if x else 0.0)))
        if right.value({}):
            return Sum(((1.0 / right.value({}), left),))
    raise Unreadable("it is more than arithmetic")


def _called(name: str, arguments: List[Expression]) -> Expression:
    if name in _FUNCTIONS and len(arguments) == 1:
        function, breaks = _FUNCTIONS[name]
        return Curve(arguments[0], function, breaks)
    moving = [argument for argument in arguments if argument.controls]
    still = [argument.value({}) for argument in arguments if not argument.controls]
    if len(moving) > 1:
        raise Unreadable("several numbers that move meet in '{}'".format(name))
    if not moving:
        moving, still = arguments[-1:], still[:-1]
    if name in ("min", "max") and len(still) == 1:
        (bound,), pick = still, min if name == "min" else max
        return Curve(moving[0], lambda x: pick(x, bound), (bound,))
    if len(arguments) == 3 and arguments[2] is moving[0]:
        low, high = still
        if name == "clamp":
            return Curve(moving[0], lambda x: min(max(x, low), high), (low, high))
        if name in ("linstep", "smoothstep") and high > low:
            smooth = name == "smoothstep"
            return Curve(moving[0], lambda x: _step((x - low) / (high - low), smooth), (low, high))
    if name == "pow" and len(arguments) == 2 and arguments[0] is moving[0]:
        (exponent,) = still
        return Curve(moving[0], lambda x: float(max(x, 0.0) ** exponent if exponent % 1 else x**exponent))
    raise Unreadable("it calls '{}'".format(name))


def _step(share: float, smooth: bool) -> float:
    share = min(max(share, 0.0), 1.0)
    return share * share * (3.0 - 2.0 * share) if smooth else share
