"""What the exercises of the contract unit must show."""

from byom.checks.unit import Unit

UNIT = Unit("contract", [])
check = UNIT.check
