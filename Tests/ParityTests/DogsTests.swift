import Prism
import PrismTestSupport
import Testing

/// The published dog-breed model against Keras, on identical pixels (Tools/fixtures/dogs.py).
@Suite("the dog-breed model", .enabled(if: Repository.hasDogs, "Tools/fetch_weights.py fetches it"))
struct DogsTests {
  static let folder = Repository.fixtures + "dogs/"
  static let cases = ["husky", "cat", "coffee", "husky_head", "cat_face", "coffee_cup"]

  let model: Model
  let reference: SafetensorsFile

  init() throws {
    model = try Model(contentsOf: Repository.weights + "dogs.safetensors")
    reference = try SafetensorsFile(contentsOf: Self.folder + "reference.safetensors")
  }

  // The promise of the project: logits within 1e-4 of the largest, probabilities within 1e-5,
  // Grad-CAM maps within 1e-3 of their maximum.
  @Test("logits, probabilities and Grad-CAM maps agree with Keras", arguments: cases)
  func parity(_ name: String) throws {
    let image = try Image(contentsOf: "\(Self.folder)\(name).png")
    #expect(image.width == 160 && image.height == 160)
    let prediction = try model.predict(image)
    let logits = prediction.entries.map { Float($0.logit) }
    let probabilities = prediction.entries.map { Float($0.probability) }
    expectClose(
      Tensor([19], logits), try reference.tensor("\(name).logits"), tolerance: 1e-4, "logits")
    let expected = try reference.tensor("\(name).probabilities")
    expectClose(
      Tensor([19], probabilities) + Tensor([19], repeating: 1),
      expected + Tensor([19], repeating: 1), tolerance: 1e-5 / 2, "probabilities")

    let map = try model.explain(image, with: GradCAM(), target: prediction.top)
    let expectedMap = try reference.tensor("\(name).cam_upsampled")
    expectClose(map.values, expectedMap, tolerance: 1e-3, "Grad-CAM")
    // One of the pictures has a blank map in Keras too; then, and only then, the map is explained.
    let isBlank = map.attribution.diagnostics.contains { $0.hasPrefix("blank map") }
    #expect(isBlank == (expectedMap.maximum == 0))
  }

  @Test("a Keras layer name is the same layer")
  func alias() throws {
    let image = try Image(contentsOf: Self.folder + "husky.png")
    let top = try model.predict(image).top
    let plain = try model.explain(image, with: GradCAM(), target: top)
    let alias = try model.explain(image, with: GradCAM(layer: "out_relu"), target: top)
    #expect(plain.values == alias.values)
  }

  @Test("the husky is a Siberian husky, and the heat is on the dog")
  func husky() throws {
    let image = try Image(contentsOf: Repository.samples + "husky.png")
    let prediction = try model.predict(image)
    #expect(prediction.top.label == "Siberian husky")
    #expect(abs(prediction.top.probability - 0.998) <= 0.001)

    let document = try JSONReader.parse(
      String(decoding: try Files.read(Self.folder + "dogs.json"), as: UTF8.self))
    let box = try #require(document["dog"]?["box"]?.integers)
    let map = try model.explain(image, with: GradCAM(), target: prediction.top)
      .values.resizedBilinear(height: image.height, width: image.width)
    var inside = 0.0
    for y in box[1]..<box[3] {
      for x in box[0]..<box[2] { inside += Double(map[y, x]) }
    }
    let share = inside / map.sum
    let area = Double((box[3] - box[1]) * (box[2] - box[0])) / Double(image.width * image.height)
    // The map has 5×5 cells, so much of the heat on the dog's edge lies outside the box; Keras' own
    // map has the same share, 0.699. A map that knows nothing would have the share of the box's
    // area, 0.442.
    #expect(share >= 0.65 && area < 0.45, "share \(share), area \(area)")
  }

  // Fewer evaluations than the methods' defaults, for the test's sake.
  @Test(
    "LIME and Partition SHAP, too, put their mass on the dog",
    arguments: [
      (LIME(samples: 80) as any Explainer, 0.6), (PartitionSHAP(evaluations: 60), 0.6),
    ])
  func perturbations(_ method: any Explainer, _ least: Double) throws {
    let image = try Image(contentsOf: Repository.samples + "husky.png")
    let prediction = try model.predict(image)
    let map = try model.explain(image, with: method, target: prediction.top).values
    let document = try JSONReader.parse(
      String(decoding: try Files.read(Self.folder + "dogs.json"), as: UTF8.self))
    let box = try #require(document["dog"]?["box"]?.integers)
    let (rows, columns) = (map.shape[0], map.shape[1])
    let mask = Tensor([rows, columns]) { target in
      for p in target.indices {
        let (y, x) = (p / columns * image.height / rows, p % columns * image.width / columns)
        target[p] = (box[1]..<box[3]).contains(y) && (box[0]..<box[2]).contains(x) ? 1 : 0
      }
    }
    let found = try Localization(of: map, in: mask)
    #expect(found.isHit)
    #expect(try #require(found.massInside) >= least && found.area < 0.45, "\(found)")
  }

  @Test("with randomised layers Grad-CAM and saliency fall apart, guided backpropagation does not")
  func sanity() throws {
    let image = try Image(contentsOf: Repository.samples + "husky.png")
    let prediction = try model.predict(image)
    let results = try model.check(
      [GradCAM(), Saliency(), GuidedBackpropagation()], on: image, target: prediction.top,
      by: ParameterRandomization(stages: 4))
    #expect(results.map { $0?.isPassed } == [true, true, false], "\(results.map { $0?.mean })")
  }
}

extension JSON {
  fileprivate var integers: [Int]? {
    guard case .array(let elements) = self else { return nil }
    return elements.compactMap { if case .integer(let value) = $0 { value } else { nil } }
  }
}
