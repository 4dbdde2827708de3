from registry.main import main

main()
