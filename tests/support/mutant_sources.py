"""Mutants of a Python source: copies with one small error each."""

from __future__ import annotations

import ast
from dataclasses import dataclass

# Every operator and what it is exchanged for.
_COMPARISONS = {
    ast.Lt: ("<=", ">"), ast.LtE: ("<", ">="), ast.Gt: (">=", "<"), ast.GtE: (">", "<="), ast.Eq: ("!=",),
    ast.NotEq: ("==",), ast.Is: ("is not",), ast.IsNot: ("is",), ast.In: ("not in",), ast.NotIn: ("in",),
}  # fmt: skip
_ARITHMETIC = {
    ast.Add: "-", ast.Sub: "+", ast.Mult: "/", ast.Div: "*", ast.FloorDiv: "*", ast.Mod: "+", ast.Pow: "*",
    ast.BitAnd: "|", ast.BitOr: "&", ast.MatMult: "*", ast.LShift: ">>", ast.RShift: "<<",
}  # fmt: skip
# The order of these arguments is no matter.
_SYMMETRIC = ("max", "min", "maximum", "minimum")
# The name of a type and the text of a message are no behaviour.
_NAMING = ("TypeVar", "NewType")


@dataclass(frozen=True)
class Mutant:
    """One error: the characters from `start` to `end` of the source are replaced by `text`."""

    start: int
    end: int
    text: str

    def of(self, source: str) -> str:
        """The mutated source."""
        return source[: self.start] + self.text + source[self.end :]

    def line(self, source: str) -> int:
        """The line that it is in, from 1."""
        return source.count("\n", 0, self.start) + 1

    def describe(self, source: str) -> str:
        """The line with the old and the new text, shortened to one line."""
        begin = source.rfind("\n", 0, self.start) + 1
        end = source.find("\n", self.end)
        before, old, after = source[begin : self.start], source[self.start : self.end], source[self.end : end]
        return " ".join(f"{before}[- {old} -][+ {self.text} +]{after}".split())


def mutants(source: str) -> list[Mutant]:
    """All mutants of `source` that are another program, in the order of its lines.

    Comparisons and arithmetic are exchanged, constants changed, conditions made true and false, `not` and signs left
    out, calls and their keyword arguments left out, arguments exchanged, and returned values replaced by None.
    Annotations, docstrings, decorators and the texts of errors stay.
    """
    found = _Finder(source)
    tree = ast.parse(source)
    found.visit(tree)
    whole = ast.dump(tree)
    different = {(m.start, m.end, m.text): m for m in found.mutants if _is_another(m.of(source), whole)}
    return [different[key] for key in sorted(different)]


def _is_another(source: str, whole: str) -> bool:
    try:
        return ast.dump(ast.parse(source)) != whole
    except SyntaxError:
        return False


class _Finder(ast.NodeVisitor):
    def __init__(self, source: str):
        self.mutants: list[Mutant] = []
        self._source = source
        # Columns are counted in UTF-8 bytes.
        self._lines = source.splitlines(keepends=True)
        self._starts = [0]
        for line in self._lines:
            self._starts.append(self._starts[-1] + len(line))

    def _offset(self, line: int, column: int) -> int:
        return self._starts[line - 1] + len(self._lines[line - 1].encode()[:column].decode())

    def _span(self, node: ast.AST) -> tuple[int, int]:
        return self._offset(node.lineno, node.col_offset), self._offset(node.end_lineno, node.end_col_offset)

    def _text(self, node: ast.AST) -> str:
        start, end = self._span(node)
        return self._source[start:end]

    def _replace(self, node: ast.AST, text: str) -> None:
        self.mutants.append(Mutant(*self._span(node), text))

    def _between(self, left: ast.AST, right: ast.AST, text: str) -> None:
        """Replaces the operator between two operands."""
        start, end = self._span(left)[1], self._span(right)[0]
        # Brackets around the operands stay.
        while self._source[start] in ") \n":
            start += 1
        while self._source[end - 1] in "( \n":
            end -= 1
        self.mutants.append(Mutant(start, end, text))

    # What stays as it is.

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        pass

    def visit_Raise(self, node: ast.Raise) -> None:
        self._replace(node, "pass")

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        pass

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self.visit(node.value)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self._body(node.body)

    def visit_Module(self, node: ast.Module) -> None:
        self._body(node.body)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        for default in (*node.args.defaults, *node.args.kw_defaults):
            if default is not None:
                self.visit(default)
        self._body(node.body)

    def _body(self, statements: list[ast.stmt]) -> None:
        for statement in statements:
            is_text = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
            if not is_text:
                self.visit(statement)

    # What is changed.

    def visit_Compare(self, node: ast.Compare) -> None:
        operands = [node.left, *node.comparators]
        for left, right, operator in zip(operands, operands[1:], node.ops):
            for text in _COMPARISONS[type(operator)]:
                self._between(left, right, f" {text} ")
        self.generic_visit(node)

    def visit_BinOp(self, node: ast.BinOp) -> None:
        self._between(node.left, node.right, f" {_ARITHMETIC[type(node.op)]} ")
        self.generic_visit(node)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        if type(node.op) in _ARITHMETIC:
            self._between(node.target, node.value, f" {_ARITHMETIC[type(node.op)]}= ")
        self._replace(node, "pass")
        self.visit(node.value)

    def visit_BoolOp(self, node: ast.BoolOp) -> None:
        for left, right in zip(node.values, node.values[1:]):
            self._between(left, right, " or " if isinstance(node.op, ast.And) else " and ")
        self.generic_visit(node)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> None:
        self._replace(node, f"({self._text(node.operand)})")
        self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        value = node.value
        if isinstance(value, bool):
            self._replace(node, str(not value))
        elif isinstance(value, int):
            self._replace(node, str(value + 1))
        elif isinstance(value, float):
            self._replace(node, repr(2 * value if value else 1.0))
        elif isinstance(value, (str, bytes)):
            self._replace(node, repr(value + ("~" if isinstance(value, str) else b"~")))

    def _condition(self, test: ast.expr) -> None:
        for text in ("True", "False"):
            self._replace(test, text)
        self.visit(test)

    def visit_If(self, node: ast.If) -> None:
        self._condition(node.test)
        self._body([*node.body, *node.orelse])

    def visit_IfExp(self, node: ast.IfExp) -> None:
        self._condition(node.test)
        self.visit(node.body)
        self.visit(node.orelse)

    def visit_comprehension(self, node: ast.comprehension) -> None:
        self.visit(node.iter)
        for test in node.ifs:
            self._condition(test)

    def visit_Assign(self, node: ast.Assign) -> None:
        targets = {name.id for target in node.targets for name in ast.walk(target) if isinstance(name, ast.Name)}
        used = {name.id for name in ast.walk(node.value) if isinstance(name, ast.Name)}
        if targets and targets <= used:
            self._replace(node, "pass")
        self.visit(node.value)

    def visit_Expr(self, node: ast.Expr) -> None:
        self._replace(node, "pass")
        self.visit(node.value)

    def visit_Return(self, node: ast.Return) -> None:
        if node.value is not None:
            self._replace(node.value, "None")
            self.visit(node.value)

    def visit_Call(self, node: ast.Call) -> None:
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if name in _NAMING:
            return
        plain = [argument for argument in node.args if not isinstance(argument, ast.Starred)]
        if plain:
            self._replace(node, f"({self._text(plain[0])})")
        for first, second in zip(plain, plain[1:]) if name not in _SYMMETRIC else ():
            start, end = self._span(first)[0], self._span(second)[1]
            between = self._source[self._span(first)[1] : self._span(second)[0]]
            self.mutants.append(Mutant(start, end, f"{self._text(second)}{between}{self._text(first)}"))
        for keyword in node.keywords:
            if keyword.arg is not None:
                start, end = self._span(keyword)
                end += self._source.startswith(",", end)
                self.mutants.append(Mutant(start, end, ""))
        self.generic_visit(node)
