"""`python -m orchestrator`: the master."""

import sys

from orchestrator.main import main

sys.exit(main())
