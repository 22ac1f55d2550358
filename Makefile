# Everything one does with this course. `make` alone lists it.
# Needs Linux or macOS; the README has the same lines for Windows.

SHELL := bash
PYTHON ?= python3
# The tests of a file share what they prepare, so they stay together.
PYTEST = .venv/bin/python -m pytest -n logical --maxprocesses 4 --dist loadfile --no-loadscope-reorder
INSTALLED := .venv/.installed

# Tests train small networks: threads that wait sleep, as in `cs231n lab`.
export OPENBLAS_THREAD_TIMEOUT ?= 20
export GOMP_SPINCOUNT ?= 30000

.DEFAULT_GOAL := help
.PHONY: help install lab test test-torch test-long demo bench bench-gpu bench-grading pins clean

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' Makefile

install: $(INSTALLED) ## create .venv with everything the course needs

lab: $(INSTALLED) ## open the course in JupyterLab
	@.venv/bin/cs231n lab

test: $(INSTALLED) ## run the test suite
	@.venv/bin/cs231n doctor --tests
	$(PYTEST)

test-torch: $(INSTALLED) ## install PyTorch and compare the kit with it
	@.venv/bin/python -c 'import torch' 2>/dev/null || { \
	  echo "Installing PyTorch into .venv: 0.2 GB for the CPU alone, several with the CUDA libraries of its Linux build."; \
	  PIP_BUILD_CONSTRAINT=constraints.txt PIP_DISABLE_PIP_VERSION_CHECK=1 .venv/bin/python -m pip install --quiet \
	    --retries 10 --timeout 60 --constraint constraints.txt --editable '.[torch]'; }
	$(PYTEST) tests/pytorch

test-long: $(INSTALLED) ## train networks and compare with what they should reach (slow)
	.venv/bin/python -m pytest -m long

demo: $(INSTALLED) ## an instructor's day: release, five submissions, grades, feedback
	@.venv/bin/cs231n demo

bench: $(INSTALLED) ## time the kit against its peers and write benchmarks/cpu.md
	@.venv/bin/python -m benchmarks

bench-gpu: $(INSTALLED) ## time the CUDA kernels against PyTorch and write benchmarks/gpu-<device>.md
	@.venv/bin/python -m benchmarks.gpu

bench-grading: $(INSTALLED) ## time grading beside stock nbgrader and write benchmarks/grading.md (15 minutes)
	@.venv/bin/python -m benchmarks.grading

# argon2-cffi-bindings 26 has no wheels for Intel Macs; PyTorch 2.13 is what the comparisons were made with.
pins: $(INSTALLED) ## resolve constraints.txt anew, for every platform and Python
	@.venv/bin/python -m pip install --quiet uv
	@set -o pipefail; printf '%s\n' hatchling editables 'argon2-cffi-bindings<26' 'torch==2.13.*' \
	| .venv/bin/uv pip compile --quiet --universal --python-version 3.11 --fork-strategy fewest --all-extras \
	  --no-header --no-annotate pyproject.toml - | sed 's/ *;.*//' > constraints.new
	@mv constraints.new constraints.txt
	@git --no-pager diff --stat constraints.txt

clean: ## remove .venv and caches; keeps data, notebooks and gradebooks
	rm -rf .venv build dist .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The environment is built once, and again when the pins change, the folder moves or its Python disappears.
# pip reads the constraints by a relative path, because it splits its own variables at blanks.
ifneq ($(shell .venv/bin/python -c 'print(open(".venv/.installed").read(), end="")' 2>/dev/null),$(CURDIR))
.PHONY: $(INSTALLED)
endif

$(INSTALLED): pyproject.toml constraints.txt
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "The course needs Python 3.11, 3.12 or 3.13; $(PYTHON) is $$("$(PYTHON)" --version 2>/dev/null || echo not found)." >&2; \
	  echo "Install one, or name yours, for instance:  make $(or $(MAKECMDGOALS),lab) PYTHON=python3.12" >&2; exit 1; }
	@grep -qxF "$$(pwd -P)" $@ 2>/dev/null && .venv/bin/python -m pip --version >/dev/null 2>&1 || { \
	  rm -rf .venv; "$(PYTHON)" -m venv .venv; } || { rm -rf .venv; exit 1; }
	@echo "Installing the course into .venv: about 130 packages, a few minutes the first time."
	@rm -f $@; set -o pipefail; for attempt in 1 2 3; do \
	  PIP_CONSTRAINT=constraints.txt PIP_BUILD_CONSTRAINT=constraints.txt PIP_DISABLE_PIP_VERSION_CHECK=1 \
	  .venv/bin/python -m pip install --retries 10 --timeout 60 --progress-bar off --editable '.[grading,test]' \
	  | while read -r verb what rest; do \
	      if [ -t 1 ]; then case $$verb in Collecting|Downloading|Installing) printf '\r\033[K%s %.60s' "$$verb" "$$what";; esac; fi; \
	    done && break; \
	  [ $$attempt -lt 3 ] || { echo "The installation failed; the lines above say why. What was downloaded is kept: run make again." >&2; exit 1; }; \
	  echo "That did not work; trying again. What was downloaded is kept." >&2; sleep $$((attempt * 5)); \
	done; if [ -t 1 ]; then printf '\r\033[K'; fi
	@pwd -P > $@
	@echo "Installed."
