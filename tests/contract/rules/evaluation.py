"""A template as CloudFormation deploys it: conditions decided, intrinsics resolved if known."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

Template = dict[str, Any]
Resource = dict[str, Any]

# One account of those that documentation uses, in one region.
PSEUDO = {
    "AWS::AccountId": "123456789012",
    "AWS::Partition": "aws",
    "AWS::Region": "eu-west-3",
    "AWS::StackId": "arn:aws:cloudformation:eu-west-3:123456789012:stack/Verger/0a1b2c3d-0000",
    "AWS::StackName": "Verger",
    "AWS::URLSuffix": "amazonaws.com",
}
_ABSENT = object()  # AWS::NoValue: the property is not there
_VARIABLE = re.compile(r"\$\{([^!}]+)\}")


@dataclass(frozen=True)
class Evaluation:
    """Resolves the nodes of a template with the values of its parameters."""

    template: Template
    parameters: Mapping[str, Any]
    _decided: dict[str, bool] = field(default_factory=dict)

    def condition(self, name: str) -> bool:
        """Whether a condition holds; one that is not declared does not (references.py tells)."""
        if name not in self._decided:
            declared = self.template.get("Conditions", {})
            self._decided[name] = name in declared and self.holds(declared[name])
        return self._decided[name]

    def holds(self, node: Any) -> bool:
        """The value of a condition's or an assertion's function."""
        if isinstance(node, bool):
            return node
        [(name, value)] = node.items()
        if name == "Condition":
            return self.condition(value)
        if name == "Fn::Not":
            return not self.holds(value[0])
        if name == "Fn::And":
            return all(self.holds(inner) for inner in value)
        if name == "Fn::Or":
            return any(self.holds(inner) for inner in value)
        if name == "Fn::Equals":
            left, right = (_text(self.resolve(inner)) for inner in value)
            return left == right
        assert name == "Fn::Contains", f"{name} is not known here"
        listed, subject = value
        return _text(self.resolve(subject)) in [_text(self.resolve(inner)) for inner in listed]

    def resolve(self, node: Any) -> Any:
        """The node with all that is known put in; what only AWS knows stays as it is."""
        if isinstance(node, list):
            return [value for inner in node if (value := self.resolve(inner)) is not _ABSENT]
        if not isinstance(node, dict):
            return node
        if len(node) == 1:
            [(name, value)] = node.items()
            if name == "Ref":
                return self._ref(value)
            if name in _INTRINSICS:
                return _INTRINSICS[name](self, value)
        resolved = {key: self.resolve(value) for key, value in node.items()}
        return {key: value for key, value in resolved.items() if value is not _ABSENT}

    def _ref(self, name: str) -> Any:
        if name == "AWS::NoValue":
            return _ABSENT
        return self.parameters.get(name, PSEUDO.get(name, {"Ref": name}))

    def _if(self, value: list[Any]) -> Any:
        condition, then, otherwise = value
        return self.resolve(then if self.condition(condition) else otherwise)

    def _find_in_map(self, value: list[Any]) -> Any:
        """Where nothing is found the lookup stays, as a deployment would fail."""
        keys = self.resolve(value)
        found: Any = self.template.get("Mappings", {})
        for key in keys:
            found = found.get(_text(key)) if isinstance(found, dict) else None
        return {"Fn::FindInMap": keys} if found is None else found

    def _sub(self, value: Any) -> Any:
        text, own = value if isinstance(value, list) else (value, {})

        def put(match: re.Match[str]) -> str:
            name = match[1]
            found = self.resolve(own[name]) if name in own else self._ref(name)
            if not isinstance(found, dict):
                return _text(found)
            [(kind, inner)] = found.items()
            if kind == "Ref":
                return f"${{{inner}}}"
            return "${" + ".".join(inner) + "}" if kind == "Fn::GetAtt" else match[0]

        done = _VARIABLE.sub(put, text)
        return {"Fn::Sub": done} if _VARIABLE.search(done) else done

    def _join(self, value: list[Any]) -> Any:
        separator, parts = value[0], self.resolve(value[1])
        if isinstance(parts, list) and not any(isinstance(part, dict) for part in parts):
            return separator.join(_text(part) for part in parts)
        return {"Fn::Join": [separator, parts]}

    def _select(self, value: list[Any]) -> Any:
        index, parts = self.resolve(value)
        if isinstance(parts, list) and int(index) < len(parts):
            return parts[int(index)]
        return {"Fn::Select": [index, parts]}

    def _split(self, value: list[Any]) -> Any:
        separator, text = self.resolve(value)
        return text.split(separator) if isinstance(text, str) else {"Fn::Split": [separator, text]}


_INTRINSICS: dict[str, Callable[[Evaluation, Any], Any]] = {
    "Fn::If": Evaluation._if,
    "Fn::FindInMap": Evaluation._find_in_map,
    "Fn::Sub": Evaluation._sub,
    "Fn::Join": Evaluation._join,
    "Fn::Select": Evaluation._select,
    "Fn::Split": Evaluation._split,
    "Fn::GetAtt": lambda _, value: {"Fn::GetAtt": value},
}


def _text(value: Any) -> str:
    """As CloudFormation compares and joins: everything is a string."""
    return str(value).lower() if isinstance(value, bool) else str(value)
