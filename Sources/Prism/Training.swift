internal import PrismAutodiff
internal import PrismModels
internal import PrismRuntime

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
      guard let first = data.splits.lazy.compactMap(\.samples.first).first else {
        return base.input
      }
      let rate = try Sound(contentsOf: first.path).rate
      return .audio(.standard(rate: rate, image: base.input.image))
    }
  }
}

extension ModelCard.AudioInput {
  /// The spectrogram that speech is looked at by, unless told otherwise.
  ///
  /// Two seconds at the recordings' rate, at most 16 kHz: 128 mel bands over all frequencies, windows of at least 64 ms
  /// every quarter of their length, 80 dB in grey with low frequencies at the bottom.
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

extension Model {
  /// What the model says of one sample.
  public struct Scored: Sendable {
    /// The sample, its labels in the order of the model's.
    public let sample: DataSet.Sample
    /// The probability of every label.
    public let probabilities: [Double]
  }

  /// The kind of the model's labels.
  public var task: Objective.Task {
    switch card.output {
    case .softmax: .multiclass
    case .sigmoid: .multilabel
    case .binary: .binary
    }
  }

  /// The probabilities of the model's labels for a split of data.
  ///
  /// - Parameters:
  ///   - name: The name of the split.
  ///   - data: Has the model's labels.
  ///   - progress: Is told how many samples are done.
  /// - Returns: The samples of the split in their order.
  /// - Throws: ``DataSetError``, ``TrainingError/otherLabels(_:model:data:)``, ``ModelError``, what a file cannot be
  ///   read for.
  public func score(
    _ name: String, of data: DataSet, progress: (_ done: Int, _ count: Int) -> Void = { _, _ in }
  ) throws -> [Scored] {
    guard let split = data.split(name), !split.samples.isEmpty else {
      throw DataSetError.noSplit(data.path, name, found: data.splits.map(\.name))
    }
    let places = Dictionary(uniqueKeysWithValues: zip(card.labels, 0...))
    let order = data.labels.compactMap { places[$0] }
    let isComplete = task == .multiclass || data.labels.count == card.labels.count
    guard order.count == data.labels.count, isComplete,
      data.isMultiLabel == (task == .multilabel)
    else {
      throw TrainingError.otherLabels(data.path, model: card.labels, data: data.labels)
    }
    let samples = split.samples.map { sample in
      switch sample.truth {
      case .label(let index):
        return DataSet.Sample(path: sample.path, truth: .label(order[index]))
      case .labels(let values):
        var moved = values
        for (i, value) in values.enumerated() { moved[order[i]] = value }
        return DataSet.Sample(path: sample.path, truth: .labels(moved))
      }
    }
    let loader = try InputLoader(input: card.input)
    let chunk = 32
    let inputs = Prefetcher(
      count: samples.count, ahead: 2 * chunk, threads: Threads.count
    ) { try loader.load(samples[$0].path) }
    defer { inputs.stop() }
    var result: [Scored] = []
    while result.count < samples.count {
      var batch: [Tensor] = []
      while batch.count < chunk, let input = try inputs.next() { batch.append(input) }
      let logits = try logits(Tensor.stacking(batch))
      let width = logits.shape[1]
      let scalars = logits.scalars.map(Double.init)
      guard scalars.allSatisfy(\.isFinite) else { throw ModelError.notFinite }
      for row in 0..<batch.count {
        let prediction = Prediction(
          logits: Array(scalars[(row * width)..<((row + 1) * width)]), labels: card.labels,
          output: card.output)
        result.append(
          Scored(
            sample: samples[result.count], probabilities: prediction.entries.map(\.probability)))
      }
      progress(result.count, samples.count)
    }
    return result
  }

  /// Measures what the model said of samples.
  ///
  /// - Parameters:
  ///   - scored: The samples with their probabilities.
  ///   - threshold: The probability from which a label counts; the model's unless given.
  ///   - resamples: The resamples of the bootstrap.
  ///   - seed: Selects them.
  /// - Returns: The measures.
  public func evaluation(
    of scored: [Scored], threshold: Double? = nil, resamples: Int = 1000, seed: UInt64 = 0
  ) -> Evaluation {
    Evaluation(
      probabilities: scored.map(\.probabilities), truths: scored.map(\.sample.truth), task: task,
      labels: card.labels, threshold: threshold ?? card.output.threshold ?? 0.5,
      resamples: resamples, seed: seed)
  }
}
