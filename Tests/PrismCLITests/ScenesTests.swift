import Prism
import PrismFiles
import PrismReport
import PrismTestSupport
import Testing

/// A sample of the scenes data set: a picture, and beside it a mask for each of its labels.
struct SampleScene: CustomTestStringConvertible {
  let name: String
  let labels: [String]

  var path: String { Repository.samples + name + ".png" }
  var testDescription: String { name }

  /// Those of the repository: `scene-1.png` with `scene-1.bird.png`.
  static let all: [SampleScene] = {
    let parts = Repository.names(in: Repository.samples).filter { $0.hasPrefix("scene-") }
      .map { $0.split(separator: ".").map(String.init) }
    return parts.filter { $0.count == 2 }.map { picture in
      SampleScene(
        name: picture[0],
        labels: parts.filter { $0.count == 3 && $0[0] == picture[0] }.map { $0[1] })
    }
  }()
}

@Suite("the default model of pictures")
struct ScenesTests {
  static func model() throws -> Model {
    try Model(contentsOf: Repository.weights + "scenes.safetensors")
  }

  @Test("it comes with the repository, is small, and has labels that do not exclude each other")
  func card() throws {
    let model = try Self.model()
    #expect(model.card.name == "scenes")
    #expect(model.card.labels.count == 12)
    #expect(try Files.read(Repository.weights + "scenes.safetensors").count <= 6_000_000)
    let scene = try #require(SampleScene.all.first)
    let entries = try model.predict(Image(contentsOf: scene.path)).entries
    #expect(entries.allSatisfy { $0.threshold != nil })
    #expect(SampleScene.all.count >= 3)
  }

  @Test(
    "it says what the masks of a sample say, and Grad-CAM looks there more than elsewhere",
    arguments: SampleScene.all)
  func truth(scene: SampleScene) throws {
    let model = try Self.model()
    let image = try Image(contentsOf: scene.path)
    let prediction = try model.predict(image)
    let present = prediction.entries.filter { $0.isPresent == true }
    #expect(present.map(\.label).sorted() == scene.labels.sorted())
    let masks = try TruthMasks(
      Repository.samples, for: [scene.path], labels: model.labels)
    for entry in present {
      let map = try model.explain(image, with: GradCAM(), target: entry).values
      let (height, width) = (map.shape[0], map.shape[1])
      let region = try #require(
        try masks.region(for: entry, of: scene.path, height: height, width: width))
      let inside = zip(map.scalars, region.scalars).reduce(Float(0)) { $0 + $1.0 * $1.1 }
      let share = inside / map.scalars.reduce(0, +)
      let area = region.scalars.reduce(0, +) / Float(height * width)
      #expect(share > 1.5 * area, "\(entry.label): \(share) of the map in \(area) of the picture")
    }
  }
}
