internal import PrismServer

await ServerCommand.runAndExit()
