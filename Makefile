.PHONY: requirements run-checks

requirements:
	node scripts/build/install-missing.js

# The audit asks the registry, and says so where that has no answer.
run-checks: requirements
	npm run lint
	npm run types
	npm test
	npm run test:slow
	npm run --silent audit
