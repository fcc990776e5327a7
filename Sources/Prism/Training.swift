internal import PrismAutodiff
internal import PrismModels
public import PrismRuntime

/// Makes inputs of files as a model card says.
struct InputLoader: SampleLoader {
  private let image: ModelCard.ImageInput
  private let audio: AudioPreparation?

  init(input: ModelCard.Input) throws {
    image = input.image
    audio = try input.audio.map(AudioPreparation.init)
  }

  /// The input for a picture, or for the first window of a sound.
  func load(_ path: String) throws -> Tensor {
    guard let audio else { return image.tensor(of: try Image(contentsOf: path)) }
    let windows = try audio.windows(of: try Sound(contentsOf: path))
    return try audio.tensor(of: windows[0].sound)
  }
}

extension ModelCard.Input {
  /// What a network that begins as another is given for some data.
  ///
  /// Sounds for a base that was made for pictures become mel spectrograms of the base's size; see
  /// ``ModelCard/AudioInput/standard(rate:image:)``.
  ///
  /// - Throws: ``ModelError/wrongInput(_:)`` where the model cannot be given such data.
  static func of(_ data: DataSet, base: ModelCard) throws -> ModelCard.Input {
    switch data.contents {
    case .pictures:
      guard base.input.audio == nil else { throw ModelError.wrongInput("pictures") }
      return base.input
    case .sounds:
      if base.input.audio != nil { return base.input }
      // The first that can be read: the others are named when all are.
      let sounds = data.splits.lazy.flatMap(\.samples).compactMap {
        try? Sound(contentsOf: $0.path)
      }
      guard let first = sounds.first else { return base.input }
      guard base.input.image.channelCount == 3 else { throw ModelError.wrongInput("sounds") }
      return .audio(.standard(rate: first.rate, image: base.input.image))
    }
  }
}

extension ModelCard.AudioInput {
  /// The spectrogram that speech is looked at by, unless told otherwise.
  ///
  /// Two seconds at the recordings' rate, at most 16 kHz: 128 mel bands over all frequencies,
  /// windows of at least 64 ms every quarter of their length, 80 dB in grey with low frequencies at
  /// the bottom.
  ///
  /// - Parameters:
  ///   - rate: The recordings' rate, in Hz.
  ///   - image: What the network does with the picture.
  /// - Returns: A description for a model card.
  public static func standard(rate: Int, image: ModelCard.ImageInput) -> Self {
    let rate = min(rate, 16000)
    var fft = 64
    while fft < rate * 64 / 1000 { fft *= 2 }
    return Self(
      sampleRate: rate, seconds: 2, fft: fft, hop: fft / 4, bands: 128,
      maximum: Double(rate) / 2, image: image)
  }
}

extension Trainer {
  /// Prepares the training of a model that begins as another.
  ///
  /// - Parameters:
  ///   - path: The weights file whose convolutional base is used.
  ///   - data: Has a training and a validation split.
  ///   - options: How the network is trained.
  /// - Throws: ``TrainingError``, ``DataSetError``, `WeightError`.
  public init(base path: String, data: DataSet, options: TrainingOptions) throws {
    let file = try SafetensorsFile(contentsOf: path)
    let card = try file.card()
    let input = try ModelCard.Input.of(data, base: card)
    try self.init(
      base: file, card: card, data: data, input: input, loader: try InputLoader(input: input),
      options: options)
  }
}

extension DataSet {
  /// Reads every file as training from a base will: which cannot be read, and which have the same
  /// contents.
  ///
  /// - Parameters:
  ///   - path: The weights file of the base.
  ///   - work: Is told of the files that are read; ends where its task is cancelled.
  /// - Returns: The data with more ``DataSet/findings``.
  /// - Throws: `WeightError`, ``ModelError/wrongInput(_:)``, `CancellationError`.
  public func inspected(forBase path: String, work: Work = .unwatched) throws -> DataSet {
    let loader = try InputLoader(
      input: try ModelCard.Input.of(self, base: try SafetensorsFile(contentsOf: path).card()))
    return try inspected(work: work) { _ = try loader.load($0) }
  }
}
