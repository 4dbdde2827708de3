import sys

from agent.proxy.main import main

sys.exit(main())
