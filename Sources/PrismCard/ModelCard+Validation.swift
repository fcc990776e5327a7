public import PrismFiles

extension ModelCard {
  /// The largest size of a picture and number of units that is believed.
  public static let sizeRange = 1...16384

  /// The number of logits: the units of the last dense layer.
  public var logitCount: Int {
    switch output {
    case .binary: 1
    case .softmax, .sigmoid: labels.count
    }
  }

  /// Checks that the fields are possible and agree with each other.
  ///
  /// - Parameters:
  ///   - file: The name that errors give.
  ///   - limits: What the model may ask for.
  /// - Throws: ``CardError`` with the field and what is wrong with it.
  public func validate(file: String, limits: Limits = .current) throws(CardError) {
    let check = CardCheck(file: file)
    try check(labels.count, .labels, "labels", limits)
    try check.text(name, "name")
    try check.text(layers.default, "layers.default")
    try validateConfig(check)
    try validateHead(check)
    try validateGraph(check)
    for (i, label) in labels.enumerated() {
      try check.text(label, "labels[\(i)]")
      try check(label.utf8.count, .name, "labels[\(i)]", limits)
    }
    try validateThresholds(check)
    try input.image.validate(check)
    try check(input.image.height * input.image.width, .pixels, "input", limits)
    try input.audio?.validate(check)
    for (alias, name) in layers.aliases {
      try check(
        !alias.isEmpty && !name.isEmpty, "layers.aliases", "gives an empty name to a layer")
    }
  }

  private func validateThresholds(_ check: CardCheck) throws(CardError) {
    if let threshold = output.threshold {
      try check(threshold > 0 && threshold < 1, "threshold", "is \(threshold), not between 0 and 1")
    }
    guard case .sigmoid(_, let perLabel?) = output else { return }
    try check(
      perLabel.count == labels.count, "thresholds",
      "has \(perLabel.count) numbers for \(labels.count) labels")
    for (i, threshold) in perLabel.enumerated() {
      try check(
        threshold > 0 && threshold < 1, "thresholds[\(i)]",
        "is \(threshold), not between 0 and 1")
    }
  }

  private func validateConfig(_ check: CardCheck) throws(CardError) {
    let width = config.width
    try check(width >= 0.05 && width <= 4, "config.width", "is \(width), not between 0.05 and 4")
    try check(
      width == 1 || architecture == .mobileNetV2, "config.width",
      "is \(width); only mobilenet_v2 comes in other widths than 1")
    if let epsilon = config.epsilon {
      try check.epsilon(epsilon, "config.epsilon")
    } else {
      try check(
        [.vgg16, .graph, .custom].contains(architecture), "config.epsilon", "is missing")
    }
  }

  private func validateGraph(_ check: CardCheck) throws(CardError) {
    guard architecture == .graph else {
      return try check(graph == nil, "graph", "is given for another architecture than \"graph\"")
    }
    guard let graph else { throw check.failure("graph", "is missing") }
    let heads = head.compactMap { layer -> String? in
      switch layer {
      case .dense(let name, _, _), .batchNorm(let name, _), .layerNorm(let name, _): name
      default: nil
      }
    }
    try graph.validate(check, heads: Set(heads))
  }

  private func validateHead(_ check: CardCheck) throws(CardError) {
    if architecture == .custom || architecture == .graph && head.isEmpty {
      try check(head.isEmpty, "head", "is given for a network that a program records itself")
      if case .binary = output {
        try check(labels.count == 2, "labels", "has \(labels.count) names, but \"binary\" needs 2")
      }
      return try check(!labels.isEmpty, "labels", "names no output")
    }
    try check(head.count <= 64, "head", "has \(head.count) layers, more than 64")
    var isVector = false
    var names: Set<String> = []
    var logits: (index: Int, units: Int)?
    for (i, layer) in head.enumerated() {
      let path = "head[\(i)]"
      switch layer {
      case .globalAveragePool, .globalMaxPool, .globalConcatPool, .flatten, .adaptiveAveragePool:
        try check(!isVector, path, "pools or flattens what is a vector already")
        if case .adaptiveAveragePool(let height, let width) = layer {
          try check.size(height, "\(path).size[0]")
          try check.size(width, "\(path).size[1]")
        } else {
          isVector = true
        }
      case .dropout(let rate):
        try check(rate >= 0 && rate < 1, "\(path).rate", "is \(rate), not from 0 up to 1")
      case .dense(let name, let units, let activation):
        try check(isVector, path, "is dense, but nothing before it pools or flattens")
        try check.text(name, "\(path).name")
        try check(
          names.insert(name).inserted, "\(path).name", "is used twice: \(Text.quoted(name))")
        try check.size(units, "\(path).units")
        let isLast = !head[(i + 1)...].contains { if case .dense = $0 { true } else { false } }
        if isLast {
          try check(
            activation == .linear, "\(path).activation",
            "is \"\(activation.rawValue)\"; the last dense layer must be \"linear\", "
              + "its function goes into \"output\"")
          logits = (i, units)
        }
      case .batchNorm(let name, let epsilon), .layerNorm(let name, let epsilon):
        try check.text(name, "\(path).name")
        try check(
          names.insert(name).inserted, "\(path).name", "is used twice: \(Text.quoted(name))")
        try check.epsilon(epsilon, "\(path).epsilon")
      case .activation(let function):
        try check(
          logits == nil || function == .linear, path,
          "follows the last dense layer; its function goes into \"output\"")
      }
    }
    guard let logits else { throw check.failure("head", "has no dense layer") }
    if case .binary = output {
      try check(
        logits.units == 1, "head[\(logits.index)].units",
        "is \(logits.units), but output \"binary\" needs 1")
      try check(labels.count == 2, "labels", "has \(labels.count) names, but \"binary\" needs 2")
    } else {
      try check(
        labels.count == logits.units, "labels",
        "has \(labels.count) names, but head[\(logits.index)] has \(logits.units) units")
    }
  }
}

extension ModelCard.ImageInput {
  private static var sideRange: ClosedRange<Int> { ModelCard.sizeRange }

  fileprivate func validate(_ check: CardCheck) throws(CardError) {
    try check.size(height, "input.height")
    try check.size(width, "input.width")
    if let side = resizeSide {
      try check(
        side >= max(height, width) && Self.sideRange.contains(side), "input.resize_side",
        "is \(side), not from \(max(height, width)) (the larger of height and width) up to "
          + "\(Self.sideRange.upperBound)")
    }
    try check(scale.isFinite && scale > 0, "input.scale", "is \(scale), not above 0")
    try check(
      channelCount == channels.usualCount || channels == .grey && channelCount == 1,
      "input.channel_count",
      "is \(channelCount) for \"\(channels.rawValue)\"; \"rgb\" and \"bgr\" are 3 channels, "
        + "\"grey\" 1 or 3, \"rgba\" 4")
    // A network of three channels sees a grey picture three times.
    let counts = channels == .grey ? [1, channelCount] : [channelCount]
    for (values, path) in [(mean, "input.mean"), (std, "input.std")] {
      try check(
        counts.contains(values.count), path,
        "has \(values.count) numbers for \"\(channels.rawValue)\"; "
          + "it needs \(Set(counts).sorted().map(String.init).joined(separator: " or "))")
      for (i, value) in values.enumerated() {
        try check(abs(value) <= 1e6, "\(path)[\(i)]", "is \(value), beyond a million")
      }
    }
    try check(mean.count == std.count, "input.std", "has another length than input.mean")
    for (i, value) in std.enumerated() {
      try check(value >= 1e-6, "input.std[\(i)]", "is \(value), not above 0")
    }
  }
}

extension ModelCard.AudioInput {
  /// The sample rates that are believed, in Hz.
  public static let rateRange = 1000...192_000

  fileprivate func validate(_ check: CardCheck) throws(CardError) {
    try check(
      image.resizeSide == nil, "input.resize_side",
      "would cut off the ends of a sound's spectrogram")
    let rates = Self.rateRange
    try check(
      rates.contains(sampleRate), "input.sample_rate",
      "is \(sampleRate), not between \(rates.lowerBound) and \(rates.upperBound)")
    try check(
      seconds >= 0.1 && seconds <= 60, "input.seconds", "is \(seconds), not between 0.1 and 60")
    try check(
      (16...16384).contains(fft) && fft % 2 == 0, "input.fft",
      "is \(fft), not an even number between 16 and 16384")
    let length = Int(seconds * Double(sampleRate))
    try check(fft <= length, "input.fft", "is \(fft), longer than the sound of \(length) samples")
    try check(hop >= 1 && hop <= fft, "input.hop", "is \(hop), not between 1 and input.fft")
    try check.size(1 + length / hop, "the number of frames (seconds · sample_rate / hop)")
    try check((1...1024).contains(bands), "input.mel_bands", "is \(bands), not between 1 and 1024")
    try check(
      minimum >= 0 && minimum < maximum, "input.fmin",
      "is \(minimum), not between 0 and input.fmax")
    try check(
      maximum <= Double(sampleRate) / 2, "input.fmax",
      "is \(maximum), above half the sample rate")
    try check(range >= 1 && range <= 300, "input.db_range", "is \(range), not between 1 and 300")
    guard let levels else { return }
    let all = 1 + length / hop
    try check(
      (1...all).contains(frames), "input.frames", "is \(frames), not between 1 and \(all)")
    try check(
      levels.edges == .zero || length > fft / 2, "input.fft",
      "is \(fft), too long to mirror the sound of \(length) samples at its ends")
    try check(
      levels.floor > 0 && levels.floor < 1, "input.power_floor",
      "is \(levels.floor), not between 0 and 1")
    for (values, path) in [(levels.mean, "input.mean"), (levels.std, "input.std")] {
      try check(
        values.count == 1 || values.count == bands, path,
        "has \(values.count) numbers, not 1 or \(bands), one a band")
      for (i, value) in values.enumerated() {
        try check(abs(value) <= 1e6, "\(path)[\(i)]", "is \(value), beyond a million")
      }
    }
    for (i, value) in levels.std.enumerated() {
      try check(value >= 1e-6, "input.std[\(i)]", "is \(value), not above 0")
    }
  }
}
