"""Templates that are worse than ours, one change each, and the rule that must see it."""

from tests.contract.weakenings import access, api, functions, operations, storage, template

WEAKENINGS = [
    *access.ACCESS,
    *api.API,
    *storage.STORAGE,
    *functions.LOGS,
    *functions.LIMITS,
    *functions.DEPLOYMENT,
    *operations.METRICS,
    *operations.HEARING,
    *operations.FIRING,
    *template.REFERENCES,
    *template.EUROPE,
    *template.LASTING,
]
