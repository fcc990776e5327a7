public import PrismCard
internal import PrismFiles
internal import PrismWeights

extension ModelCard.HeadLayer {
  /// Reads the chain of a head as it is written on the command line.
  ///
  /// Layers are separated by commas: `pool`, `maxpool`, `flatten`, `dropout:RATE`,
  /// `dense:UNITS:FUNCTION` (the last one is `dense` alone and has one unit a logit), `batchnorm`,
  /// and the functions `relu`, `relu6`, `silu`, `sigmoid`, `tanh`.
  ///
  /// - Parameters:
  ///   - text: The chain, such as `pool,dropout:0.3,dense`.
  ///   - logits: The units of the last dense layer.
  /// - Returns: The layers, in their order.
  /// - Throws: ``TrainingError/badHead(_:reason:)``.
  public static func chain(_ text: String, logits: Int) throws(TrainingError) -> [Self] {
    let parts = text.split(separator: ",", omittingEmptySubsequences: false)
    var layers: [Self] = []
    for (i, part) in parts.enumerated() {
      let fields = part.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
      let arguments = fields.dropFirst()
      func expect(_ count: Int) throws(TrainingError) {
        guard arguments.count == count else {
          throw .badHead(String(part), reason: "takes \(count) values after a colon")
        }
      }
      let name = "classifier.\(i)"
      switch fields[0] {
      case "pool":
        try expect(0)
        layers.append(.globalAveragePool)
      case "maxpool":
        try expect(0)
        layers.append(.globalMaxPool)
      case "flatten":
        try expect(0)
        layers.append(.flatten)
      case "dropout":
        try expect(1)
        guard let rate = Double(fields[1]), rate >= 0, rate < 1 else {
          throw .badHead(String(part), reason: "needs a rate from 0 up to 1")
        }
        layers.append(.dropout(rate: rate))
      case "batchnorm":
        try expect(0)
        layers.append(.batchNorm(name: name, epsilon: 1e-3))
      case "dense":
        if arguments.isEmpty {
          guard i == parts.count - 1 else {
            throw .badHead(
              String(part), reason: "needs its units, as dense:128:relu, unless it is last")
          }
          layers.append(.dense(name: name, units: logits, activation: .linear))
          continue
        }
        guard arguments.count <= 2, let units = Int(fields[1]),
          ModelCard.sizeRange.contains(units)
        else { throw .badHead(String(part), reason: "needs its units, as dense:128:relu") }
        guard let function = ModelCard.Activation(rawValue: fields.count > 2 ? fields[2] : "relu")
        else { throw .badHead(String(part), reason: "names no function that there is") }
        guard i < parts.count - 1 else {
          throw .badHead(
            String(part), reason: "is last and has one unit a label; write dense alone")
        }
        layers.append(.dense(name: name, units: units, activation: function))
      default:
        guard let function = ModelCard.Activation(rawValue: fields[0]), function != .softmax else {
          throw .badHead(
            String(part),
            reason: "is no layer; there are pool, maxpool, flatten, dropout, dense, batchnorm, relu"
          )
        }
        layers.append(.activation(function))
      }
    }
    guard case .dense = layers.last else {
      throw .badHead(text, reason: "does not end with dense")
    }
    return layers
  }
}
