# What all rules share: the validated configuration, the programs, the names of populations and files, and the
# functions that say what a job needs.

import hashlib
import json
import os
import re
import shlex
import sys
from functools import cache
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake_interface_executor_plugins.settings import DeploymentMethod

from gancensus.config.environment import isolate

isolate()  # here and for all jobs, before what reads the environment

from gancensus.config import results
from gancensus.config.code import digests
from gancensus.config.configuration import check_files, load
from gancensus.config.pipeline import PACKAGE, located
from gancensus.config.registry import members
from gancensus.contracts.analysis import Analysis, table_names
from gancensus.contracts.errors import UserError
from gancensus.contracts.samples import REAL
from gancensus.report.captions import FIGURES
from gancensus.storage import imagefiles

try:
    CONFIG = load(config, [Path(path) for path in workflow.configfiles])
    check_files(CONFIG)
except UserError as error:
    raise WorkflowError(str(error)) from None

if workflow.is_main_process:  # and no job that reads this file again
    for line in CONFIG.skipped:
        print(line, file=sys.stderr)

# Snakemake has read the file, too, but expands no `~`, and says of every file that `./` and `//` are to be left out.
if config.get("pathvars", {}).get("results", CONFIG.pathvars.results) != CONFIG.pathvars.results:
    workflow.pathvars.items.update(results=CONFIG.pathvars.results)

# Rules call the programs by name, with the Python that runs Snakemake.
SCRIPTS = located("scripts")
os.environ.update(PATH=os.pathsep.join([str(SCRIPTS), str(Path(sys.executable).parent), *os.get_exec_path()]))

# A job's command is one program. It takes the shell's place: a shell dies of SIGTERM at once, SLURM then kills what the
# shell has started, and a training would have no time to save its state.
prefix = "exec "

# A conda environment has no gancensus, and Snakemake removes PYTHONPATH from it.
if DeploymentMethod.CONDA in workflow.deployment_settings.deployment_method:
    library = SCRIPTS.with_name("src")
    if not library.is_dir():  # packages beside an installed gancensus are for another Python than the environment's
        raise WorkflowError("--sdm conda: gancensus has been installed from a wheel; use a clone, or leave it out")
    prefix = f"export PYTHONPATH={shlex.quote(str(library))}; {prefix}"
shell.prefix(prefix)

# Modules that only draw, and so do not count for a step that makes a table.
DRAWING = sorted(
    f"gancensus.{'.'.join(path.relative_to(PACKAGE).with_suffix('').parts)}" for path in PACKAGE.glob("**/*figures.py")
)

# Files of a job from which on Snakemake is told only whether they have changed: it takes .3 ms for each of every job.
MANY = 10_000

# The number of GPUs that a job which uses CONFIG.device asks for.
GPU = int(CONFIG.device == "cuda")

PARTS = range(CONFIG.parts)
SHARDS = range(CONFIG.shards)


wildcard_constraints:
    study="|".join(map(re.escape, CONFIG.studies)),
    analysis="|".join(place for kind, cls in members(Analysis).items() for place in table_names(kind, cls)),
    population=r"[A-Za-z][A-Za-z0-9_+-]*",
    name=r"[A-Za-z][A-Za-z0-9_+-]*",
    encoder=r"[A-Za-z][A-Za-z0-9_+-]*",
    definition=r"[A-Za-z][A-Za-z0-9_+-]*",
    search=r"[A-Za-z][A-Za-z0-9_+~-]*",
    replica=r"\d+",
    part=r"\d+",
    shard=r"\d+",


def study(wildcards):
    """The configuration of the study that a job belongs to."""
    return CONFIG.studies[wildcards.study]


def section(model, exclude=()):
    """A section of the configuration as a parameter: what a job is given, and reruns for when it changes."""
    return model.model_dump_json(exclude=set(exclude))


def sections(models, exclude=()):
    """Named sections of the configuration as a parameter."""
    return json.dumps({name: model.model_dump(mode="json", exclude=set(exclude)) for name, model in models.items()})


def option(name, value):
    """A value as a parameter, with its name: Snakemake compares sets of values, in which two could change places."""
    return f"--{name} {value}"


def code(script, *members, without=()):
    """Digests of the code that a job uses, as a parameter that no command reads: it reruns when they change.

    members: the plug-ins of its section of the configuration.
    """
    modules = sorted({type(member).__module__ for member in members})
    return json.dumps(digests(SCRIPTS / script, tuple(modules), tuple(without)))


def at(place, **names):
    """Where a result lies; what is not named stays a wildcard."""
    return f"<results>/{results.at(place, **names)}"


def generator_of(wildcards):
    """Generator and replica of a generated population."""
    return study(wildcards).generated[wildcards.population]


def parts_of(population, encoder=None):
    """The files of a population, as samples or as an encoder's vectors."""
    place = results.at(results.EMBEDDED, encoder=encoder) if encoder else results.SAMPLES
    return [at(place, population=population, part=part) for part in PARTS]


def grows(megabytes):
    """Memory that doubles with every attempt, up to eight times as much: most retries have other reasons."""
    return lambda wildcards, attempt: megabytes * 2 ** min(attempt - 1, 3)


def selection_of(wildcards):
    """The selection that a generator trains on, if any."""
    name = study(wildcards).generators[wildcards.name].train_on
    return at(results.SELECTION, name=name) if name else []


def model_of(wildcards):
    """The model of a generated population, if its generator was trained here."""
    name, _ = generator_of(wildcards)
    trained = study(wildcards).generators[name].trained
    return at(results.GENERATOR) if trained else []


def named(path):
    """Whether Snakemake takes a path for a file: in UTF-8, without wildcards, path variables and blanks it warns of."""
    return not re.search(r"[{}<>\n\ud800-\udfff]|^ | $", str(path))


def paths_of(members):
    """The user's files and folders that sources, encoders or generators read."""
    return tuple(path for member in members for path in member.files())


@cache
def found_at(paths):
    """The user's files at some paths: those that Snakemake watches, and the others."""
    try:
        files = [file for path in paths for file in imagefiles.files_of(path)]
    except UserError as error:
        raise WorkflowError(str(error)) from None
    watched = {str(file): file for file in files if named(file)} if len(files) <= MANY else {}
    return list(watched), [file for file in files if str(file) not in watched]


@cache
def digest_of_others(paths):
    """A digest of names, times and sizes of the files that Snakemake does not watch; none where there are none."""
    facts = [(str(file), stat.st_mtime_ns, stat.st_size) for file in found_at(paths)[1] for stat in [file.stat()]]
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:12] if facts else None


def files_of(*members):
    """The user's files that sources, encoders or generators read, watched for changes."""
    return found_at(paths_of(members))[0]


def others_of(*members):
    """A digest of the other files as a parameter, so that they are watched, too."""
    digest = digest_of_others(paths_of(members))
    return json.dumps({"files": digest} if digest else {})


def makers_of(wildcards):
    """The name of the generator of a population, in a list: an empty one for real samples, and for the fit on them.

    Training samples that are given apart are not among the real ones; there, they are called `train`.
    """
    population = wildcards.get("population")
    made = study(wildcards).generated.get(population)
    return [made.generator] if made else [population] if population in study(wildcards).given else []


def has_train(wildcards):
    """Whether there are samples in `train`."""
    return "train" in study(wildcards).real


def studies_that_have(train):
    """The studies with or without samples in `train`, as a constraint of a wildcard."""
    return "|".join(re.escape(name) for name, s in CONFIG.studies.items() if ("train" in s.real) == train) or "-"


def encoder_of(wildcards):
    """An encoder, as far as it matters for a population, or for the fit on real samples."""
    return study(wildcards).encoders[wildcards.encoder].concerning(next(iter(makers_of(wildcards)), None))


def counted_source(wildcards):
    """The source, in a list, where an encoder's vectors are rows of a file that must be as many as its samples."""
    return [study(wildcards).source] if encoder_of(wildcards).by_row else []


def fitted_from(wildcards):
    """The members whose files the fit of an encoder reads."""
    return [encoder_of(wildcards), *counted_source(wildcards)]


def counted_parts(wildcards):
    """All of a generated population, where an encoder's vectors are rows of a file that must be as many."""
    return parts_of(wildcards.population) if makers_of(wildcards) and encoder_of(wildcards).by_row else []


def compared(definition, population):
    """The files that the metrics of a definition compare, space by space and part by part."""
    spaces = dict.fromkeys(metric.space for metric in definition.values())
    return [file for space in spaces for file in parts_of(population, space)]


def definition_of(wildcards):
    """A definition of duplicates: its metrics by name."""
    return study(wildcards).definitions[wildcards.definition]


def reference_of(wildcards):
    """The samples of `holdout`, whose number sets the thresholds of a definition with an alpha of `auto`."""
    return parts_of("holdout") if wildcards.definition in results.scaled(study(wildcards)) else []


def compared_in(searches):
    """The populations of searches, each once."""
    return list(dict.fromkeys(population for search in searches for population in search.populations))


def features_of(searches):
    """What searches read, population by population: a function of the wildcards."""
    return lambda wc: [file for p in compared_in(searches) for file in compared(definition_of(wc), p.format(**wc))]


def found_by_searches(place, searches):
    """A table of each search."""
    return [at(place, search=search.name) for search in searches]


def search_of(wildcards):
    """The search that a shard belongs to."""
    return next(search for search in results.searches(study(wildcards)) if search.name == wildcards.search)


def search_code(wildcards):
    """The code of a search."""
    return code("pairs.py", *definition_of(wildcards).values())


def analysis_of(wildcards):
    """The analysis that makes a table."""
    return study(wildcards).analysed[wildcards.analysis][0]


def judging(wildcards):
    """The generators, by population, whose discriminators an analysis uses, if it uses any."""
    generators, judged = study(wildcards).generators, analysis_of(wildcards).judged
    found = {population: generators[name] for population, (name, _) in study(wildcards).generated.items()}
    return {population: member for population, member in found.items() if judged and member.discriminates}


def judges_of(wildcards):
    """The models of the populations whose discriminators an analysis uses."""
    return [at(results.GENERATOR, population=population) for population in judging(wildcards)]


def asked_encoders(wildcards):
    """The encoders whose networks an analysis asks."""
    return {name: study(wildcards).encoders[name].concerning(None) for name in analysis_of(wildcards).asks}


def networks_of(wildcards):
    """Their models."""
    return [at(results.ENCODER, encoder=name) for name in asked_encoders(wildcards)]


def asked(wildcards):
    """The generators and encoders whose code an analysis runs."""
    compared = study(wildcards).generators.values() if analysis_of(wildcards).compares else ()
    return [*judging(wildcards).values(), *compared, *asked_encoders(wildcards).values()]


def compared_selections(wildcards):
    """The selections of the study, if an analysis compares by them."""
    return study(wildcards).selections if analysis_of(wildcards).compares else {}


def table_of(wildcards):
    """What an analysis calls a table."""
    return option("table", study(wildcards).analysed[wildcards.analysis][1])


def space_of(wildcards):
    """Where an analysis measures: the name of an encoder is the user's, its kind says which network it is."""
    name = analysis_of(wildcards).space
    return f"{name} ({study(wildcards).encoders[name].kind})" if name else "samples"


def embedded_train(wildcards):
    """The vectors that a selection scores."""
    return parts_of("train", study(wildcards).selections[wildcards.name].encoder)


def searched(wildcards, place):
    """A table of every search, definition by definition."""
    return [
        at(place, definition=definition, search=search.name)
        for definition in study(wildcards).definitions
        for search in results.searches(study(wildcards))
    ]


def populations_of(wildcards):
    """Every population of a study."""
    return [*study(wildcards).real, *study(wildcards).generated]


def answered_features(wildcards):
    """What is compared, population by population: the samples, and the vectors of every encoder of a definition."""
    definitions = study(wildcards).definitions.values()
    spaces = dict.fromkeys([None, *(metric.space for d in definitions for metric in d.values())])
    populations = dict.fromkeys([*study(wildcards).real, wildcards.population])
    return [file for population in populations for space in spaces for file in parts_of(population, space)]


def fitted_spaces(wildcards):
    """The encoders of the definitions that have learned from `train`."""
    return results.fitted_spaces(study(wildcards))


def listed_pairs(wildcards, other=None):
    """The pairs listed of every generated population within itself, or with another one, definition by definition."""
    s = study(wildcards)
    own = [
        (d, search) for d in s.definitions for p in s.generated for search in results.own_searches(p, "train" in s.real)
    ]
    return [at(results.DUPLICATES, definition=d, search=search.name) for d, search in own if search.other == other]


def named_in(wildcards):
    """The populations whose samples may have names of their owner's: those that are read from files."""
    s = study(wildcards)
    own = [population for population, (name, _) in s.generated.items() if not s.generators[name].trained]
    return [*(["train"] if "train" in s.real else []), *own]


def told(definition):
    """The metric whose distances are told: the first that is no condition."""
    return next(name for name, metric in definition.items() if metric.fixed is None)
