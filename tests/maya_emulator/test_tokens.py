"""Maya ASCII syntax: statements, comments, quotes, escapes."""

import pytest

from tests.maya_emulator.tokens import quote, statements, tokens


def test_semicolons_and_comment_marks_in_quotes_do_not_end_statements():
    text = '//a; comment\nsetAttr ".b" -type "string" "x; y // z\\"";\n  // more\nselect -ne :time1;\n'
    assert [tokens(s) for s in statements(text)] == [
        ["setAttr", ".b", "-type", "string", 'x; y // z"'],
        ["select", "-ne", ":time1"],
    ]


def test_braces_and_commas_are_tokens():
    assert tokens('setAttr ".aal" {"a","weight[0]"} ') == ["setAttr", ".aal", "{", "a", ",", "weight[0]", "}"]


def test_a_file_that_ends_inside_a_statement_is_an_error():
    with pytest.raises(ValueError, match="ends inside a statement"):
        list(statements('createNode transform -n "a'))


@pytest.mark.parametrize("text", ["plain", 'with "quotes"', "back\\slash", "two\nlines\tand tabs", ""])
def test_quoting_is_undone_by_reading(text):
    assert tokens(quote(text)) == [text]
