import PrismTensor
import Testing

@testable import PrismWeights

/// A model as a user would write it.
private struct Perceptron {
  struct Dense {
    let weight, bias: Tensor

    init(_ reader: WeightReader, from inputs: Int, to outputs: Int) throws(WeightError) {
      weight = try reader.take("weight", [outputs, inputs])
      bias = try reader.take("bias", [outputs])
    }
  }

  let hidden, output: Dense

  init(_ reader: inout WeightReader) throws(WeightError) {
    let features = reader.scope("features")
    hidden = try Dense(features.scope(0), from: 3, to: 4)
    output = try Dense(features.scope("1"), from: 4, to: 2)
  }

  static let tensors: [String: Tensor] = [
    "features.0.weight": Tensor([4, 3], repeating: 1),
    "features.0.bias": Tensor([4], repeating: 2),
    "features.1.weight": Tensor([2, 4], repeating: 3),
    "features.1.bias": Tensor([2], repeating: 4),
  ]
}

@Suite("the weight reader")
struct ReaderTests {
  private func file(_ tensors: [String: Tensor]) throws -> SafetensorsFile {
    var writer = SafetensorsWriter()
    for (name, tensor) in tensors { writer.add(name, tensor) }
    return try opened(writer.bytes())
  }

  @Test("a model takes its tensors from a file")
  func fromFile() throws {
    let model = try WeightReader.bind(file(Perceptron.tensors)) { try Perceptron(&$0) }
    #expect(model.hidden.weight == Tensor([4, 3], repeating: 1))
    #expect(model.output.bias == Tensor([2], repeating: 4))
  }

  @Test("a model takes its tensors from memory")
  func fromMemory() throws {
    let model = try WeightReader.bind(Perceptron.tensors) { r in try Perceptron(&r) }
    #expect(model.hidden.bias == Tensor([4], repeating: 2))
  }

  @Test("a model has its tensors made")
  func made() throws {
    var names: [String] = []
    let model = try WeightReader.bind(making: { name, shape in
      names.append(name)
      return Tensor(shape, repeating: Float(name.count))
    }) { try Perceptron(&$0) }
    #expect(model.hidden.bias == Tensor([4], repeating: 15))
    #expect(Set(names) == Set(Perceptron.tensors.keys))
    let error = weightError {
      _ = try WeightReader.bind(making: { _, _ in Tensor(1) }) { try $0.take("a", [2]) }
    }
    #expect(
      error
        == .mismatch(
          file: "weights in memory",
          WeightMismatch(misshapen: [.init(name: "a", expected: [2], found: [])])))
  }

  @Test("missing, misshapen and unexpected tensors come in one error")
  func everything() throws {
    var tensors = Perceptron.tensors
    tensors["features.0.weights"] = tensors.removeValue(forKey: "features.0.weight")
    tensors["features.1.bias"] = Tensor([19], repeating: 0)
    tensors["classifier.1.bias"] = Tensor([19], repeating: 0)
    let error = weightError {
      _ = try WeightReader.bind(file(tensors)) { try Perceptron(&$0) }
    }
    #expect(
      error
        == .mismatch(
          file: "w.safetensors",
          WeightMismatch(
            missing: ["features.0.weight"],
            unexpected: ["classifier.1.bias", "features.0.weights"],
            misshapen: [.init(name: "features.1.bias", expected: [2], found: [19])])))
    #expect(
      error?.description
        == "w.safetensors: the weights do not fit the model: "
        + "1 missing: features.0.weight (did you mean \"features.0.weights\"?); "
        + "1 misshapen: features.1.bias is 19, not 2; "
        + "2 unexpected: classifier.1.bias, features.0.weights; "
        + "convert the model again with Tools/convert.py")
  }

  @Test("long lists are shortened with a count")
  func longLists() throws {
    let error = weightError {
      _ = try WeightReader.bind([:] as [String: Tensor]) { reader in
        for i in 0..<300 { _ = try reader.take("layer\(i)", [1]) }
      }
    }
    #expect(
      error?.description
        == "weights in memory: the weights do not fit the model: "
        + "300 missing: layer0, layer1, layer2, layer3, layer4 and 295 more; "
        + "convert the model again with Tools/convert.py")
  }

  @Test("missing tensors are zeros, however large, and are named once")
  func placeholders() {
    let error = weightError {
      _ = try WeightReader.bind([:] as [String: Tensor]) { reader in
        let huge = try reader.take("huge", [1 << 20, 1 << 12])
        #expect(huge[7, 9] == 0 && huge.count == 1 << 32)
        let again = try reader.take("huge", [1 << 20, 1 << 12])
        #expect(again[0, 0] == 0)
      }
    }
    #expect(error == .mismatch(file: "weights in memory", WeightMismatch(missing: ["huge"])))
  }

  @Test("an impossible shape is an error and no crash")
  func impossibleShape() {
    for shape: Shape in [[1 << 40, 1 << 40], [-1], [0]] {
      let error = weightError {
        _ = try WeightReader.bind([:] as [String: Tensor]) { try $0.take("a", shape) }
      }
      #expect(
        error
          == .mismatch(
            file: "weights in memory",
            WeightMismatch(misshapen: [.init(name: "a", expected: shape, found: [])])))
    }
  }

  @Test("weights in memory must be finite too")
  func nonFinite() {
    let error = weightError {
      _ = try WeightReader.bind(["a": Tensor([2], [0, .nan])]) { try $0.take("a", [2]) }
    }
    #expect(
      error == .nonFinite(file: "weights in memory", tensor: "a", index: [1], value: "NaN"))
  }

  @Test("a reader tells what there is")
  func questions() throws {
    try WeightReader.bind(file(Perceptron.tensors)) { reader in
      let features = reader.scope("features")
      #expect(reader.count == 4 && features.count == 4 && features.scope(1).count == 2)
      #expect(features.prefix == "features.")
      #expect(features.contains("0.bias") && !features.contains("0"))
      #expect(features.shape(of: "0.weight") == [4, 3])
      #expect(try features.scope(0).takeIfPresent("scale", [4]) == nil)
      #expect(try features.scope(0).takeIfPresent("bias", [4]) != nil)
      _ = try Perceptron(&reader)
    }
  }

  @Test("errors of the closure come through")
  func otherErrors() {
    struct Other: Error {}
    #expect(throws: Other.self) { try WeightReader.bind(Perceptron.tensors) { _ in throw Other() } }
  }
}
