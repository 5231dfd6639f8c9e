.PHONY: requirements run-checks

requirements:
	node scripts/install-missing.js

# The security audit asks the registry, and says so where that cannot be reached.
run-checks: requirements
	npm run lint
	npm run types
	npm test
	npm audit --omit=dev
