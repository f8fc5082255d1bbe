from world import World

from conformance.pytest import checks_of

test_conformance = checks_of("acme-desk", World)
