.DEFAULT_GOAL := help
.PHONY: help run install check format test bench migration

help: ## list the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 10

run: install ## install if needed, then serve on http://127.0.0.1:8080
	@npm start --silent

install: node_modules/.package-lock.json

node_modules/.package-lock.json: package.json package-lock.json
	@npm ci
	@touch $@

check: install ## format, lint, types
	@npm run --silent check

format: install ## put the code into the house's format
	@npm run --silent format

test: install ## the whole suite, with its own PostgreSQL
	@npm test --silent

migration: install ## write the next sql/NNNN-NAME.sql from the declarations: make migration NAME=tickets
	@node --import tsx test/migration.ts $(NAME)

bench: install ## the product beside a bare floor, at a million contacts (long)
	@node --import tsx bench/run.ts
