"""The command line of an audit: what is understood, and one line with status 2 for everything else."""

import shlex
from pathlib import Path

import pytest

from gancensus.audit.asked import Asked
from gancensus.audit.outcome import USUAL, Gate
from gancensus.cli.arguments import arguments
from gancensus.cli.options import SLURM_PROFILE


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "out/a=1").mkdir(parents=True)
    (tmp_path / "out/b.tar.npy").touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def asked(*words: str) -> Asked:
    args, rest = arguments(["audit", "--real", "r", *words])
    assert rest == []
    found = args.asked
    assert isinstance(found, Asked)
    return found


@pytest.mark.parametrize(
    ("word", "name", "place"),
    [
        ("mine=out/x", "mine", "out/x"),
        ("my best GAN, epoch 3 🦆=out/x", "my best GAN, epoch 3 🦆", "out/x"),
        ("mine=out/a=1", "mine", "out/a=1"),
        ("lr=0.1, beta=2=out/b.tar.npy", "lr=0.1, beta=2", "out/b.tar.npy"),
        ("lr=0.1=out/b.tar.npy::fake", "lr=0.1", "out/b.tar.npy::fake"),
        ("lr=0.1=not there", "lr", "0.1=not there"),
        ("out/a=1", "a=1", "out/a=1"),  # it exists
        ("out/a=1/", "a=1", "out/a=1"),
        ("out/a=2", "out/a", "2"),
        ("out/b.tar.npy", "b.tar", "out/b.tar.npy"),
        ("x.h5::fake", "x::fake", "x.h5::fake"),
        ("new=x.h5::fake", "new", "x.h5::fake"),
        ("  spaces  =x", "spaces", "x"),
    ],
)
def test_a_generator_has_a_name_and_a_place(word: str, name: str, place: str) -> None:
    assert asked("--generated", word).generated == {name: place}


def test_a_home_is_expanded_after_the_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    found = asked("--generated", "mine=~/x.h5::y", "--train", "~/t")
    assert (found.generated, found.train) == ({"mine": "/home/me/x.h5::y"}, "/home/me/t")


def test_a_tilde_of_no_user_is_part_of_a_name(folder: Path) -> None:
    (folder / "~").mkdir()
    for name in ("~.npy", "~nobody-here.npy", "~/x.npy"):
        (folder / name).touch()
    for word, name in (("~nobody-here.npy", "~nobody-here.npy"), ("./~.npy", "~.npy"), ("./~/x.npy", "~/x.npy")):
        assert asked("--generated", f"mine={word}").generated == {"mine": str(folder / name)}


def test_the_working_directory_has_a_name(folder: Path) -> None:
    assert asked("--generated", ".").generated == {folder.name: "."}


def test_all_options_are_read() -> None:
    words = (
        "--generated a=x --generated b=y c=z --train t --kind tables --encoder pca --features real=1 c=2 --features a=3"
    )
    words += (
        " --alpha 0.01 --seed 7 --out there --cores 3 --slurm --json --strict --fail-on copies,differs --max-ratio 1.5"
    )
    args, _ = arguments(["audit", "--real", "r", *words.split()])
    features = {"real": "1", "c": "2", "a": "3"}
    assert args.asked == Asked("r", {"a": "x", "b": "y", "c": "z"}, "t", "tables", "pca", features, 0.01, 7)
    assert args.gate == Gate(("copies", "differs"), 1.5, True, ())
    declared = "--drop id 'a b' --drop id --types a=b=nominal day=date --decimal , --group=who"
    found = asked("--generated", "a=x", *shlex.split(declared), "--same-units")
    assert (found.drop, found.types) == (("id", "a b"), {"a=b": "nominal", "day": "date"})
    assert (found.decimal, found.group, found.same_units) == (",", "who", True)
    assert (args.out, args.cores, args.slurm, args.json) == (Path("there"), "3", SLURM_PROFILE, True)


def test_without_options_all_answers_but_that_about_copies_count() -> None:
    args, _ = arguments(["audit", "--real", "r", "--generated", "x"])
    assert args.gate == Gate(USUAL, None, False, ("copies",))
    assert (args.out, args.cores, args.slurm, args.json) == (Path("audit-results"), "all", None, False)
    args, _ = arguments(["audit", "--real", "r", "--generated", "x", "--fail-on", "ratio", "--max-ratio", "2"])
    assert args.gate == Gate((), 2.0, False, ("copies",))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("", "required: --real, --generated"),
        ("--real r", "required: --generated"),
        ("--real r --generated", "--generated: expected at least one argument"),
        ("--real r --generated x=a x=b", "--generated: two are called 'x'; give each a name of its own"),
        ("--real r --generated a/s.npy b/s.npy", "two are called 's'"),
        (
            "--real -r.npy --generated x",
            "expected one argument; write one that begins with '-' after '=': --real=-...;",
        ),
        ("--real r --generated -x=y", "write one that begins with '-' after '=': --generated=-...;"),
        ("--real r --generated =a", "--generated '=a': the name is empty"),
        ("--real r --generated x=", "--generated 'x=': is empty"),
        ("--real r --generated train=a", "'train' is what tables call real samples; choose another; see"),
        ("--real r --generated train.npy", "'train' is what tables call real samples; choose another: NAME=PLACE; see"),
        ("--real r --generated x\ny=a", "cannot be printed on a line: '\\n'"),
        ("--real r --generated x=\udcff", "is not UTF-8"),
        ("--real r --generated ~nobody-here/x", "there is no such user"),
        ("--real  --generated x", "argument --real: is empty"),
        ("--real r --generated x --genrated y", "--genrated: no such option; did you mean '--generated'?"),
        ("--real r --generated x --forcerun pairs", "--forcerun: no such option"),
        ("study.yaml --real r --generated x", "study.yaml: belongs to no option"),
        ("--real r --generated x --features real=f y=g", "--features y: there are no samples of that name"),
        ("--real r --generated x --features train=f", "--features train: there are no samples of that name"),
        ("--real r --generated x --features x=f x=g", "--features: two are called 'x'"),
        ("--real r --generated x --fail-on less-divers", "less-divers: no such word; did you mean 'less-diverse'?"),
        ("--real r --generated x --fail-on copies,", "nothing: no such word"),
        ("--real r --generated x --fail-on ratio", "--fail-on ratio: needs --max-ratio X"),
        ("--real r --generated x --fail-on off-data,copies", "--fail-on copies: needs --train PLACE"),
        ("--real r --generated x --max-ratio nan", "nan: give a number above 0"),
        ("--real r --generated x --max-ratio inf", "inf: give a number above 0"),
        ("--real r --generated x --alpha 1", "1: give a number above 0 and below 1"),
        ("--real r --generated x --seed 1.5", "1.5: give a number of at least 0, without decimals"),
        ("--real r --generated x --types day", "--types 'day': write COLUMN=TYPE"),
        ("--real r --generated x --types day=dat", "--types 'day=dat': no such type; did you mean 'date'?"),
        ("--real r --generated x --types a=date a=nominal", "--types 'a=nominal': column 'a' has another type already"),
        ("--real r --generated x --decimal ;", "argument --decimal: invalid choice: ';'"),
        ("--real r --generated x --cores 0", "0: give a number of at least 1, or all"),
        ("--real r --generated x --out a{b}", "cannot hold results"),
        ("--real r --generated x --out a\nb", "a b: a folder with '\\n' in its name cannot hold results"),
    ],
)
def test_a_wrong_command_line_is_one_line(words: str, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        arguments(["audit", *(words.split(" ") if words else [])])
    said = capsys.readouterr()
    assert (ended.value.code, said.out) == (2, "")
    assert message in said.err
    assert len(said.err.splitlines()) == 1


def test_the_help_lists_words_and_statuses(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        arguments(["audit", "--help"])
    said = capsys.readouterr().out
    for word in (*USUAL, "differs", "ratio", "exit status", "  10  ", "  20  "):
        assert word in said
