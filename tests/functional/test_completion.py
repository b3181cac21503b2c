"""What bash and zsh complete, from the scripts that the program writes out of its own table of commands."""

import re
import shutil
import subprocess

import pytest

from conftest import BINARY
from test_command_line import commands, run

BASH = """
source <("$1" completion bash) || exit 1
shift
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
COMPREPLY=()
_riposte
printf '%s\\n' "${COMPREPLY[@]}"
"""

ZSH = """
compadd() { shift; print -rl -- "$@" }
_files() { print -r -- FILES }
compdef() { }
source <("$1" completion zsh) || exit 1
shift
words=("$@")
CURRENT=$#
PREFIX=$words[-1]
_riposte
"""


def bash(*words, cwd=None):
    done = subprocess.run(["bash", "--norc", "-c", BASH, "bash", BINARY, "riposte", *words], capture_output=True, text=True,
                          timeout=60, cwd=cwd)
    assert done.returncode == 0 and done.stderr == "", done.stderr
    return done.stdout.split()


def zsh(*words, cwd=None):
    """zsh filters what it is offered by the word under the cursor itself."""
    done = subprocess.run(["zsh", "-f", "-c", ZSH, "zsh", BINARY, "riposte", *words], capture_output=True, text=True, timeout=60,
                          cwd=cwd)
    assert done.returncode == 0 and done.stderr == "", done.stderr
    return [w for w in done.stdout.split() if w.startswith(words[-1]) or w == "FILES"]


@pytest.fixture(params=[bash, pytest.param(zsh, marks=pytest.mark.skipif(not shutil.which("zsh"), reason="no zsh here"))])
def complete(request):
    return request.param


def test_the_scripts_parse():
    for shell, check in (("bash", ["bash", "-n"]), ("zsh", ["zsh", "-f", "-n"])):
        script = run("completion", shell)
        assert script.returncode == 0 and script.stderr == ""
        if shutil.which(check[0]):
            done = subprocess.run(check, input=script.stdout, capture_output=True, text=True, timeout=60)
            assert (done.returncode, done.stderr) == (0, "")
    wrong = run("completion", "fish")
    assert wrong.returncode == 2 and "there is one for bash and one for zsh" in wrong.stderr


def test_each_command_is_offered_word_by_word(complete):
    first = complete("")
    assert sorted(first) == sorted({words.split()[0] for words in commands()} | {"help"})
    for word in ("name", "value", "credential", "token", "account", "check"):
        second = {words.split()[1] for words in commands() if words.startswith(word + " ")}
        assert set(complete(word, "")) == second
        assert set(complete("help", word, "")) == second
    assert complete("value", "pe") == ["persist"]
    assert complete("--json", "acc") == ["account"]
    assert complete("-c", "/etc/riposte/riposte.yaml", "acc") == ["account"]


def options_in_usage(words):
    return set(re.findall(r"--[a-z-]+", run(*words.split(), "--help").stdout.splitlines()[0]))


@pytest.mark.parametrize("words", [w for w in commands() if w != "check config"])
def test_the_options_of_each_command_are_those_of_its_usage(words):
    offered = set(bash(*words.split(), "-"))
    common = {"-c", "--config", "--json", "--yes", "--quiet", "--help", "--url", "--token-file", "--ca-file"}
    assert offered - common == options_in_usage(words) - common and common <= offered
    for option in options_in_usage(words) - common:  # and the command knows each
        done = run(*words.split(), option + "=", "--no-such-option")
        assert "no option " + option not in done.stderr


def test_values_that_are_known_are_offered(complete):
    assert complete("name", "set", "shop", "--subtree", "") == ["yes", "no"]
    assert complete("credential", "create", "--as", "ca") == ["caddy"]
    assert set(complete("credential", "create", "--kinds", "")) == {"challenge", "pinned"}
    assert set(complete("completion", "")) == {"bash", "zsh"}
    assert complete("--quiet", "completion", "z") == ["zsh"]


def test_nothing_is_offered_where_a_text_of_ones_own_belongs(complete):
    assert complete("name", "list", "--account", "") == []
    assert complete("--url", "") == []
    assert complete("name", "show", "") == []


def test_options_go_on_behind_those_that_are_there(complete):
    assert complete("name", "create", "--account", "x", "--create-account", "--dom") == ["--domain"]
    assert complete("value", "remove", "shop", "--a") == ["--all"]


def test_files_are_offered_where_a_file_belongs(complete, tmp_path):
    (tmp_path / "one.db").touch()
    (tmp_path / "two words").touch()
    for words in (("backup",), ("-c",), ("--token-file",), ("init", "auth.example.org", "--output"), ("import", "acme-dns", "--db")):
        offered = complete(*words, "o", cwd=tmp_path)
        assert offered in (["one.db"], ["FILES"]), words
