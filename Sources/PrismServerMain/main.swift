internal import PrismServer

// Before anything waits: the first thing that does needs a thread, which may be refused.
ServerCommand.prepareOrExit()
await ServerCommand.runAndExit()
