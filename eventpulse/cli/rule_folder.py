"""Read a folder of rule files: every rule in it, and every fault, each with file, line and column."""

from dataclasses import dataclass, field
from pathlib import Path

from eventpulse.rule_file import FoundRule, UnreadableFile, read_rule_file, rule_files
from rules.faults import RuleFaults
from rules.members import with_members
from rules.rule import Rule, read_rule


@dataclass
class RuleFolder:
    """What was found in a folder. `rules` are those that can be read; `faults` are sentences."""

    files: list[Path]
    rules: list[Rule] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


def read_folder(folders: list[Path]) -> RuleFolder:
    """Every rule in the folders (or files), with its members where it is a composite."""
    files = list(dict.fromkeys(file for folder in folders for file in rule_files(folder)))
    found = RuleFolder(files)
    places: dict[str, FoundRule] = {}
    for file in files:
        try:
            for one in read_rule_file(file):
                _add(found, places, one)
        except UnreadableFile as fault:
            found.faults.append(str(fault))
    found.rules, unresolved = with_members(read := found.rules)
    broken = {rule.name: unresolved[rule.rule_id] for rule in read if rule.rule_id in unresolved}
    for name, faults in broken.items():
        found.faults += _sentences(places[name], name, faults)
    return found


def _add(found: RuleFolder, places: dict[str, FoundRule], one: FoundRule) -> None:
    name = str(one.document.get("name", "")) if isinstance(one.document, dict) else ""
    try:
        rule = read_rule(one.document)
    except RuleFaults as fault:
        found.faults += _sentences(one, name, fault)
        return
    if name in places:
        found.faults.append(
            f'{one.place(("name",))}: rule "{name}": this name is taken at {places[name].place(("name",))}.'
        )
        return
    same_id = next((other for other in found.rules if other.rule_id == rule.rule_id), None)
    if same_id is not None:
        found.faults.append(f'{one.place(("rule_id",))}: rule "{name}": rule "{same_id.name}" has the same rule_id.')
        return
    places[name] = one
    found.rules.append(rule)


def _sentences(one: FoundRule, name: str, fault: RuleFaults) -> list[str]:
    called = f'rule "{name}"' if name else "a rule without a name"
    return [
        f"{one.place(issue.path, issue.column, at_key=issue.code == 'unknown_key')}: {called}: {issue}"
        for issue in fault.issues
    ]
