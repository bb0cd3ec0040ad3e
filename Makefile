# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# The interpreter of the environment; empty = the newest usable python3 on PATH.
PYTHON ?=
# A version of ansible-core instead of the one that requirements/runtime.txt pins for this Python.
ANSIBLE_CORE ?=
VENV ?= .venv

SHELL := /bin/sh
MAKEFLAGS += --no-print-directory
# Ansible refuses to start in a locale that is not UTF-8.
export LC_ALL ?= C.UTF-8
# Where a running simulator keeps its CA, ports and log.
export WINSIM_STATE ?= .winsim
export PYTHON

RUN := $(VENV)/bin/python
# $(call venv,LEVEL): the environment with what a level of tools/venv.py needs, and the third-party collections.
venv = python=$$(tools/find_python $(PYTHON)) \
	&& "$$python" tools/venv.py --venv $(VENV) --level $(1) --core "$(ANSIBLE_CORE)" \
	&& $(RUN) tools/third_party.py

.DEFAULT_GOAL := help
.PHONY: help deps deps-containers nodes controller venv collections site stop simulator test test-full matrix lint typecheck \
	unit simtest driver sanity molecule e2e real coverage docs format clean distclean

help: ## Show this help
	@awk -F ':.*## ' '/^[a-z][a-z0-9-]*:.*## /{printf "  make %-15s %s\n", $$1, $$2}' Makefile
	@echo
	@echo "  PYTHON=python3.12      the Python of the environment (3.11 to 3.14)"
	@echo "  ANSIBLE_CORE=2.20.10   another ansible-core (2.19 to 2.22)"
	@echo "  INVENTORY=... KEEP=1   make site: other hosts; leave what it started running"
	@echo "  ARGS='--limit ...'     make site: further arguments of ansible-playbook"
	@echo "  WITH=openvstorage      make site: Linux nodes with cinder-volume and nova-compute as well"
	@echo "  ONLY=2.20              make matrix: only the pairs with this in their name"
	@echo "  DEPS=no                never install Debian packages; name the missing ones and stop"

deps: ## Install missing Debian packages, after saying which and why (as root or by sudo)
	@tools/deps

deps-containers: ## Install what Linux nodes in containers need (podman, runc, mmdebstrap)
	@tools/deps containers

nodes: deps-containers ## Make the images of the Linux nodes (Debian 11, 12 and 13; minutes, once)
	@$$(tools/find_python $(PYTHON)) tools/nodes.py image

controller: deps ## Make .venv for real hosts: Ansible, pywinrm, third-party collections
	@$(call venv,controller)
	@echo "Ready: $(VENV)/bin/ansible-playbook -i inventories/<cloud> playbooks/preflight.yml"

venv: ## Make .venv for development
	@$(call venv,dev)

collections: venv ## Fetch the third-party collections that go with its ansible-core

site: deps ## Converge the simulated hosts, or those of INVENTORY=..., and show what each now is
	@$(call venv,run)
	@$(RUN) tools/site.py

stop: ## Stop what KEEP=1 or make simulator left running
	@if command -v podman >/dev/null && [ -d build/containers ]; then python3 tools/nodes.py stop; fi
	@if [ -e $(WINSIM_STATE)/ports.json ]; then $(RUN) -m winsim stop; else echo "No simulator runs."; fi

simulator: deps ## Serve simulated hosts alone, for your own playbooks (HOSTS=hosts.yml for other ones)
	@$(call venv,run)
	@$(RUN) -m winsim serve --daemon $(if $(HOSTS),--hosts $(HOSTS))
	@$(RUN) -m winsim inventory $(if $(HOSTS),--hosts $(HOSTS)) --output $(WINSIM_STATE)/inventory.yml
	@echo "Inventory (group windows, HTTP and HTTPS): $(WINSIM_STATE)/inventory.yml. Stop it with: make stop"

test: deps venv ## Run every suite, cheap ones first
	@$(RUN) tools/suites.py all

matrix: deps ## Run the suites on every supported Python and ansible-core found here
	@$(call venv,dev)
	@$(RUN) tools/matrix.py $(ONLY)

test-full: matrix real ## Run everything that can be tested here: matrix and real

real: deps-containers
lint typecheck unit simtest driver sanity molecule e2e real: venv
	@$(RUN) tools/suites.py $@

lint: ## ruff, yamllint, ansible-lint, changelogs, module documentation
typecheck: ## mypy --strict
unit: ## Unit tests of the collections
simtest: ## Tests of the simulator
driver: ## Harness of the PowerShell driver and checks of the repository
sanity: ## ansible-test sanity for both collections
molecule: ## Scenarios on simulated hosts, verified with testinfra
e2e: ## End-to-end tests against the simulator
real: ## Long tests on real OpenStack packages and containers

coverage: venv ## Write what unit and simulator tests cover to build/coverage/html
	@$(RUN) tools/suites.py unit simtest; status=$$?; $(RUN) tools/coverage_html.py && exit $$status

docs: deps ## Write the guides and a page for each module to docs/_site
	@$(call venv,docs)
	@$(RUN) tools/docs.py

format: venv ## Format with ruff, and fix what it can
	@$(VENV)/bin/ruff format .
	@$(VENV)/bin/ruff check --fix .

clean: ## Remove what tests and builds left behind
	@$(MAKE) stop >/dev/null || true
	@rm -rf build .winsim .pytest_cache .hypothesis .ansible docs/_site collections/ansible_collections/winstack/*/tests/output
	@find . -name __pycache__ -not -path './.venv/*' -not -path './.matrix/*' -prune -exec rm -rf {} +

distclean: clean ## clean, and remove the environments and third-party collections
	@if command -v podman >/dev/null; then python3 tools/nodes.py remove-images; fi
	@rm -rf .venv .matrix collections/.stamp-third-party
	@find collections/ansible_collections -mindepth 1 -maxdepth 1 -not -name winstack -exec rm -rf {} +
