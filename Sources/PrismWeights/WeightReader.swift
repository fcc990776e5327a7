public import PrismTensor

/// A cursor over the tensors of a file, from which layers take theirs by name.
///
/// A model is built inside ``bind(_:_:)-(SafetensorsFile,_)``. Each layer names each tensor and
/// demands its shape at the place where it stores it:
///
/// ```swift
/// struct Dense {
///   let weight, bias: Tensor
///   init(_ reader: WeightReader, from inputs: Int, to outputs: Int) throws(WeightError) {
///     weight = try reader.take("weight", [outputs, inputs])
///     bias = try reader.take("bias", [outputs])
///   }
/// }
/// let model = try WeightReader.bind(file) { try Dense($0.scope("classifier.1"), from: 1280, to: 19) }
/// ```
///
/// What is missing or has another shape is noted, and building goes on with zeros that take no
/// memory; at the end one error lists everything that is missing, misshapen or left over.
public struct WeightReader {
  /// What the names given to this reader are put after: empty, or a path that ends with a period.
  public let prefix: String

  /// The name of the layer that this reader stands for: ``prefix`` without its last period.
  public var path: String { String(prefix.dropLast()) }

  /// What errors call the source of the tensors.
  package var source: String { collector.source.label }

  private let collector: Collector

  /// A reader whose names all begin with `name` and a period.
  public func scope(_ name: String) -> WeightReader {
    WeightReader(prefix: prefix + name + ".", collector: collector)
  }

  /// A reader whose names all begin with a number and a period, for the members of a sequence.
  public func scope(_ number: Int) -> WeightReader { scope(String(number)) }

  /// Takes a tensor.
  ///
  /// - Parameters:
  ///   - name: The name after ``prefix``.
  ///   - shape: The shape that the tensor must have.
  /// - Returns: The tensor; zeros where there is none of that name and shape, which `bind` then
  ///   reports.
  /// - Throws: `nonFinite`, `unsupportedType`, or `mismatch` where `shape` is impossible.
  public func take(_ name: String, _ shape: Shape) throws(WeightError) -> Tensor {
    try collector.take(prefix + name, shape)
  }

  /// Takes a tensor that a model may do without.
  ///
  /// - Returns: The tensor, or `nil` where there is none of that name.
  /// - Throws: As ``take(_:_:)``.
  public func takeIfPresent(_ name: String, _ shape: Shape) throws(WeightError) -> Tensor? {
    contains(name) ? try take(name, shape) : nil
  }

  /// Whether there is a tensor of this name.
  public func contains(_ name: String) -> Bool { self.shape(of: name) != nil }

  /// The shape of a tensor, or `nil` where there is none of this name.
  public func shape(of name: String) -> Shape? { collector.source.shape(prefix + name) }

  /// The number of tensors whose names begin with ``prefix``.
  public var count: Int { collector.source.names.count { $0.hasPrefix(prefix) } }

  /// Builds a model from the tensors of a file.
  ///
  /// - Parameters:
  ///   - file: The weights.
  ///   - build: Makes the model; it must take every tensor of the file.
  /// - Returns: The model.
  /// - Throws: What `build` throws, or ``WeightError/mismatch(file:_:)`` with all differences at
  ///   once.
  public static func bind<Model>(
    _ file: SafetensorsFile, _ build: (inout WeightReader) throws -> Model
  ) throws -> Model {
    try bind(.file(file), build)
  }

  /// Builds a model from tensors in memory.
  ///
  /// - Parameters:
  ///   - tensors: The weights by name.
  ///   - build: Makes the model; it must take every tensor.
  /// - Returns: The model.
  /// - Throws: What `build` throws, or ``WeightError/mismatch(file:_:)`` with all differences at
  ///   once.
  public static func bind<Model>(
    _ tensors: [String: Tensor], _ build: (inout WeightReader) throws -> Model
  ) throws -> Model {
    try bind(.tensors(tensors), build)
  }

  /// Builds a model whose tensors are made as they are asked for, as before training from scratch.
  ///
  /// - Parameters:
  ///   - shapes: Gives the shape of the tensor of a name, for models that take it from the file;
  ///     `nil` where there is none.
  ///   - make: Gives the tensor of a name and a shape.
  ///   - build: Makes the model.
  /// - Returns: The model.
  /// - Throws: What `build` throws, or ``WeightError/mismatch(file:_:)`` where `make` gave another
  ///   shape.
  public static func bind<Model>(
    shapes: @escaping (_ name: String) -> Shape? = { _ in nil },
    making make: @escaping (_ name: String, _ shape: Shape) -> Tensor,
    _ build: (inout WeightReader) throws -> Model
  ) throws -> Model {
    try bind(.made(make, shapes: shapes), build)
  }

  private static func bind<Model>(
    _ source: Source, _ build: (inout WeightReader) throws -> Model
  ) throws -> Model {
    let collector = Collector(source)
    var reader = WeightReader(prefix: "", collector: collector)
    let model = try build(&reader)
    try collector.finish()
    return model
  }
}

extension WeightReader {
  /// Where tensors come from.
  fileprivate enum Source {
    case file(SafetensorsFile)
    case tensors([String: Tensor])
    case made((String, Shape) -> Tensor, shapes: (String) -> Shape?)

    /// What errors call the source.
    var label: String {
      switch self {
      case .file(let file): file.path
      case .tensors, .made: "weights in memory"
      }
    }

    var names: [String] {
      switch self {
      case .file(let file): file.entries.map(\.name)
      case .tensors(let tensors): Array(tensors.keys)
      case .made: []
      }
    }

    func shape(_ name: String) -> Shape? {
      switch self {
      case .file(let file): file.entry(name)?.shape
      case .tensors(let tensors): tensors[name]?.shape
      case .made(_, let shapes): shapes(name)
      }
    }

    func tensor(_ name: String, _ shape: Shape) throws(WeightError) -> Tensor? {
      switch self {
      case .file(let file):
        return try file.tensor(name)
      case .tensors(let tensors):
        let tensor = tensors[name]
        try tensor?.checkFinite(name: name, file: label)
        return tensor
      case .made(let make, _): return make(name, shape)
      }
    }
  }

  /// What all readers of one model share: the source, and the notes of what was taken.
  fileprivate final class Collector {
    let source: Source
    private var taken: Set<String> = []
    private var missing: [String] = []
    private var misshapen: [WeightMismatch.Misshapen] = []

    init(_ source: Source) {
      self.source = source
    }

    func take(_ name: String, _ shape: Shape) throws(WeightError) -> Tensor {
      let isFirst = taken.insert(name).inserted
      guard shape.isValid else {
        throw .mismatch(
          file: source.label,
          WeightMismatch(misshapen: [.init(name: name, expected: shape, found: [])]))
      }
      guard let found = madeShape(shape) ?? source.shape(name) else {
        if isFirst { missing.append(name) }
        return try zeros(shape)
      }
      guard found == shape else {
        if isFirst { misshapen.append(.init(name: name, expected: shape, found: found)) }
        return try zeros(shape)
      }
      guard let tensor = try source.tensor(name, shape) else { return try zeros(shape) }
      guard tensor.shape == shape else {
        if isFirst { misshapen.append(.init(name: name, expected: shape, found: tensor.shape)) }
        return try zeros(shape)
      }
      return tensor
    }

    /// Throws where the model and the source differ.
    func finish() throws(WeightError) {
      let unexpected = source.names.filter { !taken.contains($0) }.sorted()
      let mismatch = WeightMismatch(
        missing: missing, unexpected: unexpected, misshapen: misshapen)
      guard mismatch.isEmpty else { throw .mismatch(file: source.label, mismatch) }
    }

    private func madeShape(_ shape: Shape) -> Shape? {
      if case .made = source { shape } else { nil }
    }

    /// Zeros that occupy no memory.
    private func zeros(_ shape: Shape) throws(WeightError) -> Tensor {
      guard let pages = ZeroPages(floats: shape.count) else {
        throw .unreadable(file: source.label, reason: "no memory for a tensor of shape \(shape)")
      }
      return Tensor(
        borrowing: pages.base.assumingMemoryBound(to: Float.self), shape: shape, owner: pages)
    }
  }
}
