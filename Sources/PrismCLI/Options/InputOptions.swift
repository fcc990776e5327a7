internal import ArgumentParser
internal import Prism

/// What a command works on.
struct InputOptions: ParsableArguments {
  @Argument(
    help: """
      PNG, JPEG, TIFF, WebP, BMP or DICOM files; for a model that listens WAV, FLAC, Ogg or MP3; or \
      folders of them.
      """, completion: .file())
  var inputs: [String] = []

  @Flag(help: "Look into the folders in a folder too.") var recursive = false

  /// Says that something must be named; for commands that need inputs.
  func requireInputs() throws {
    guard !inputs.isEmpty else {
      throw ValidationError("Missing expected argument '<inputs> ...'")
    }
  }

  /// The files of the kind that a model is given.
  func list(for model: Model) -> InputList {
    InputList(
      inputs, kind: model.card.input.audio == nil ? .pictures : .sounds, isRecursive: recursive)
  }
}
