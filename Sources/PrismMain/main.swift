import PrismCLI

PrismCommand.runAndExit()
