import PrismFiles
import PrismTensor
import Testing

@testable import PrismMedia

@Suite("Colour maps")
struct ColorMapTests {
  @Test("ends and middle are the published colours")
  func published() {
    #expect(ColorMap.viridis.color(at: 0) == RGB(68, 1, 84))
    #expect(ColorMap.viridis.color(at: 1) == RGB(253, 231, 36))
    #expect(ColorMap.inferno.color(at: 0) == RGB(0, 0, 3))
    #expect(ColorMap.inferno.color(at: 1) == RGB(252, 254, 164))
    #expect(ColorMap.jet.color(at: 0) == RGB(0, 0, 127))
    #expect(ColorMap.jet.color(at: 1) == RGB(127, 0, 0))
  }

  @Test("every table is complete, and numbers outside the scale have its ends' colours")
  func tables() {
    for map in ColorMap.allCases {
      #expect(map.colors.count == 256)
      #expect(Set(map.colors).count > 200)
      #expect(map.color(at: -3) == map.colors[0])
      #expect(map.color(at: .infinity) == map.colors[255])
      #expect(map.color(at: .nan) == map.colors[0])
    }
  }

  @Test("viridis and inferno grow lighter all the way")
  func lightness() {
    for map in [ColorMap.viridis, .inferno] {
      let lightness = map.colors.map {
        0.2126 * linear($0.red) + 0.7152 * linear($0.green) + 0.0722 * linear($0.blue)
      }
      for i in 1..<256 { #expect(lightness[i] >= lightness[i - 1] - 1e-3) }
    }
  }

  private func linear(_ sample: UInt8) -> Double {
    let x = Double(sample) / 255
    return x * x * (0.3 + 0.7 * x)
  }
}

@Suite("Scales")
struct ScaleTests {
  @Test("a map decides its range")
  func ranges() {
    #expect(MapRange(of: Tensor([1, 3], [0, 2, 1])) == MapRange(lower: 0, upper: 2))
    #expect(MapRange(of: Tensor([1, 2], [-3, 2])) == MapRange(lower: -3, upper: 3))
    #expect(MapRange(of: Tensor([1, 2], [-1e-9, 2])) == MapRange(lower: 0, upper: 2))
    #expect(MapRange(of: Tensor([1, 2], [0, 0]))?.isFlat == true)
    #expect(MapRange(of: Tensor([1, 2], [.nan, 1])) == nil)
    #expect(MapRange(of: Tensor([1, 2], [1, .infinity])) == nil)
  }

  @Test("a map far from zero is shown around its median, which its bar and a note tell")
  func centred() throws {
    let range = try #require(MapRange(of: Tensor([1, 5], [0.6, 0.62, 0.65, 0.66, 0.75])))
    #expect(range.centre == 0.65 && range.isSigned && range.beyond == nil)
    #expect(abs(range.upper - 0.75) < 1e-6 && abs(range.lower - 0.55) < 1e-6)
    #expect(abs(range.position(of: 0.65) - 0.5) < 1e-6)
    #expect(range.note?.contains("around 0.650") == true)
    let bar = try #require(
      ColorBar(range, overlay: Overlay(), unit: "probability", count: 5))
    #expect(bar.title == "attribution − 0.650, the median (probability)")
    #expect(bar.ticks.map(\.label) == ["−0.10", "−0.05", "0.00", "0.05", "0.10"])
    let below = try #require(MapRange(of: Tensor([1, 3], [-3, -2.5, -2])))
    #expect(below == MapRange(lower: -3, upper: -2, centre: -2.5))
    // Zeros, or a wide spread, have a scale from zero on.
    #expect(MapRange(of: Tensor([1, 3], [0, 0.9, 1]))?.centre == 0)
    #expect(MapRange(of: Tensor([1, 3], [0.3, 0.9, 1]))?.centre == 0)
  }

  @Test("a bar tells what its numbers are")
  func bars() throws {
    func title(_ upper: Float, _ unit: String) -> String? {
      ColorBar(MapRange(lower: 0, upper: upper), overlay: Overlay(), unit: unit, count: 4)?.title
    }
    #expect(title(1, "") == "attribution")
    #expect(title(1, "logit") == "attribution (logit)")
    #expect(title(0.0004, "logit") == "attribution (×10⁻⁴ logit)")
    #expect(title(0.0004, "") == "attribution (×10⁻⁴)")
    #expect(title(0, "logit") == nil)
  }

  @Test("a few pixels that stand out do not rule the scale, which tells of them")
  func outliers() throws {
    var values = [Float](repeating: 0, count: 1000)
    for i in 0..<100 { values[i] = Float(i) / 100 }
    for i in 100..<110 { values[i] = 10 }
    let range = try #require(MapRange(of: Tensor([10, 100], values)))
    #expect(range == MapRange(lower: 0, upper: 0.99, beyond: 10))
    #expect(
      range.note == "Colours end at 0.990, which at most 1 % of the map pass, up to 10.0.")
    // One more of them is a part of the picture.
    values[110] = 10
    #expect(MapRange(of: Tensor([10, 100], values)) == MapRange(lower: 0, upper: 10))
    values[110] = 0
    values[104] = -10
    #expect(
      MapRange(of: Tensor([10, 100], values)) == MapRange(lower: -0.99, upper: 0.99, beyond: 10))
    // Where everything else is zero, the few are the picture.
    values = [Float](repeating: 0, count: 999) + [3]
    #expect(MapRange(of: Tensor([10, 100], values)) == MapRange(lower: 0, upper: 3))
    #expect(
      range.union(MapRange(lower: -2, upper: 2)) == MapRange(lower: -2, upper: 2, beyond: 10))
  }

  @Test(
    "numbers have three digits",
    arguments: [
      (0.0, "0"), (1, "1.00"), (-12.345, "−12.3"), (123456, "123456"), (0.000123456, "0.000123"),
      (1.5e-7, "1.50 × 10⁻⁷"), (-2.5e9, "−2.50 × 10⁹"), (5e-45, "5.00 × 10⁻⁴⁵"),
      (9.996, "10.0"), (999_999.6, "1.00 × 10⁶"), (1e25, "1.00 × 10²⁵"),
      (9.9999e-5, "0.000100"),
    ])
  func numbers(value: Double, text: String) {
    #expect(Text.number(value) == text)
  }

  @Test(
    "ticks are round numbers",
    arguments: [
      (0.0, 1.0, "0.0 0.2 0.4 0.6 0.8 1.0", ""), (-3, 3, "−3 −2 −1 0 1 2 3", ""),
      (0, 0.00042, "0 1 2 3 4", "×10⁻⁴"), (0, 2_500_000, "0.0 0.5 1.0 1.5 2.0 2.5", "×10⁶"),
      (0, 37, "0 10 20 30", ""), (0, 1e-45, "0.0 0.2 0.4 0.6 0.8 1.0", "×10⁻⁴⁵"),
    ])
  func ticks(lower: Double, upper: Double, labels: String, factor: String) {
    let ticks = Ticks(from: lower, to: upper, count: 5)
    #expect(ticks.ticks.map(\.label).joined(separator: " ") == labels)
    #expect(ticks.factor == factor)
    #expect(ticks.ticks.allSatisfy { (0...1).contains($0.position) })
  }

  @Test("a scale without extent has no ticks")
  func noTicks() {
    #expect(Ticks(from: 0, to: 0, count: 5).ticks.isEmpty)
    #expect(Ticks(from: 0, to: .infinity, count: 5).ticks.isEmpty)
    #expect(Ticks(from: .nan, to: 1, count: 5).ticks.isEmpty)
  }

  @Test("probabilities never claim more than they are")
  func percent() {
    #expect(Text.percent(0.9982) == "99.8 %")
    #expect(Text.percent(0.99999) == "> 99.9 %")
    #expect(Text.percent(0.00001) == "< 0.1 %")
    #expect(Text.percent(1) == "100.0 %")
    #expect(Text.percent(.nan) == "")
  }
}

@Suite("Text that fits")
struct TextFlowTests {
  let flow = TextFlow(width: 10) { Double($0.count) }

  @Test("lines break at spaces")
  func breaking() {
    #expect(flow.lines(of: "one two three four", limit: 3) == ["one two", "three four"])
    #expect(flow.lines(of: "  short\n", limit: 1) == ["short"])
    #expect(flow.lines(of: "", limit: 2) == [])
  }

  @Test("what does not fit ends in an ellipsis, and no line is too long")
  func shortening() {
    #expect(flow.lines(of: "one two three four", limit: 1) == ["one two t…"])
    #expect(flow.lines(of: "incomprehensibilities", limit: 2) == ["incomprehe", "nsibiliti…"])
    #expect(flow.lines(of: "one two three", limit: 2, reserve: 6) == ["one two", "thr…"])
    #expect(flow.lines(of: "a\u{0}b\tc", limit: 1) == ["a b c"])
    for limit in 1...4 {
      for reserve in [0.0, 4] {
        let lines = flow.lines(
          of: "an extraordinarily long label of a class", limit: limit, reserve: reserve)
        #expect(lines.count <= limit)
        #expect(lines.allSatisfy { $0.count <= 10 })
        #expect(lines.last.map { Double($0.count) <= 10 - reserve } == true)
      }
    }
  }
}

@Suite("Names and letters")
struct NameTests {
  @Test("a file's name loses its middle, never its ending")
  func middle() {
    let flow = TextFlow(width: 10) { Double($0.count) }
    #expect(flow.line(elidingMiddleOf: "short.png") == "short.png")
    #expect(flow.line(elidingMiddleOf: "a-very-long-name.png") == "a-ver….png")
    #expect(flow.line(elidingMiddleOf: "a\nb\u{0}c") == "a b c")
    #expect(TextFlow(width: 0) { Double($0.count) }.line(elidingMiddleOf: "abc") == "…")
  }

  @Test(
    "text beyond DejaVu Sans is shaped, plain text is not",
    arguments: [
      ("Siberian husky", false), ("Käse / Brot", false), ("Ελληνικά, Русский", false),
      ("−1.50 × 10⁻⁷ …", false), ("日本語ラベル", true), ("كلب الهاسكي", true), ("e\u{301}", true),
      ("\u{202E}abc", true), ("🐶", true),
    ])
  func shaping(text: String, isShaped: Bool) {
    #expect(Pango.isNeeded(for: text) == isShaped)
  }

  @Test("letters of any script are drawn or replaced, within their measured width")
  func scripts() throws {
    for text in ["日本語ラベル，長い", "كلب الهاسكي السيبيري", "नमस्ते", "🐶 dog", "a\u{202E}b", "\u{10FFFF}"] {
      let canvas = try Canvas(width: 600, height: 60)
      let width = canvas.width(of: text, size: 20)
      #expect(width > 5 && width < 500, "\(text)")
      canvas.write(text, x: 50, y: 40, size: 20, color: .black)
      let image = try canvas.image()
      #expect(Set(image.pixels).count > 2, "\(text)")
      for y in 0..<60 {
        for x in [10, 54 + Int(width) + 20] { #expect(image[x, y] == .white, "\(text)") }
      }
    }
  }

  @Test("Arabic letters join where the library that joins them is there")
  func joining() throws {
    let canvas = try Canvas(width: 10, height: 10)
    let cairo = try #require(LibCairo.loaded)
    guard
      Pango.Line("كل", size: 20, typeface: .regular, cairo: cairo, on: canvas.context) != nil
    else { return }
    // Joined letters are narrower than the same letters kept apart by a non-joiner.
    let joined = canvas.width(of: "ككك", size: 40)
    let apart = canvas.width(of: "ك\u{200C}ك\u{200C}ك", size: 40)
    #expect(joined < apart)
  }
}

@Suite("Outlines")
struct OutlineTests {
  @Test("the border of a region is closed, and its lines are long")
  func border() {
    let outline = Outline(of: Tensor([2, 3], [0, 1, 1, 0, 1, 1]))
    let left = 1.0 / 3
    let expected: [Outline.Line] = [
      Outline.Line(from: (left, 0), to: (1, 0)), Outline.Line(from: (left, 1), to: (1, 1)),
      Outline.Line(from: (left, 0), to: (left, 1)), Outline.Line(from: (1, 0), to: (1, 1)),
    ]
    #expect(outline.lines == expected)
    #expect(outline.path(width: 30, height: 10).hasPrefix("M10.0 0.0L30.0 0.0M"))
    #expect(Outline(of: Tensor([2, 3])).lines.isEmpty)
    #expect(Outline(of: Tensor([3], [1, 1, 1])).lines.isEmpty)
  }

  @Test("a region of any size is drawn over the picture and named")
  func figure() throws {
    let plain = Figure(
      image: FigureTests.image(200, 100), map: FigureTests.map(), label: "x", method: "y")
    var outlined = plain
    outlined.outline = Tensor([7, 11], (0..<77).map { $0 % 11 > 3 && $0 > 20 ? 1 : 0 })
    let (a, b) = (try plain.rendered(), try outlined.rendered())
    // One line of text more.
    #expect(b.height > a.height)
    #expect(b.pixels.count { $0 == 255 } > a.pixels.count { $0 == 255 })
  }
}

@Suite("Figures")
struct FigureTests {
  static func map(_ height: Int = 5, _ width: Int = 5, signed: Bool = false) -> Tensor {
    Tensor([height, width], (0..<(height * width)).map { Float($0 * 7 % 11) - (signed ? 5 : 0) })
  }

  static func image(_ width: Int, _ height: Int) -> Image {
    Image(
      width: width, height: height,
      exactly: (0..<(width * height * 3)).map { UInt8(truncatingIfNeeded: $0 * 31 / 7) })
  }

  @Test(
    "every size of picture makes a figure",
    arguments: [(1, 1), (20, 20), (480, 300), (3, 500), (900, 2), (1, 25000), (2000, 1500)])
  func sizes(width: Int, height: Int) throws {
    let figure = Figure(
      image: Self.image(width, height), map: Self.map(), label: "Siberian husky",
      probability: 0.998, method: "Grad-CAM", details: ["a model", "a layer"])
    let result = try figure.rendered()
    #expect(result.width >= 280 && result.height >= 100)
    if max(width, height) <= 10 * min(width, height) {
      #expect(result.width > min(width, 24000) && result.height > min(height, 24000))
    } else {
      #expect(max(result.width, result.height) < 2000 && min(result.width, result.height) > 120)
    }
    #expect(Set(result.pixels).count > 20)
    if width < 1000 {
      let again = try figure.rendered()
      #expect(result == again)
    }
    // Nothing is cut off: the margin is white on all four sides.
    for x in 0..<result.width {
      #expect(result[x, 1] == .white && result[x, result.height - 2] == .white)
    }
    for y in 0..<result.height {
      #expect(result[1, y] == .white && result[result.width - 2, y] == .white)
    }
  }

  @Test("long labels, details and notes stay inside")
  func longText() throws {
    let long = String(repeating: "a very long description of things ", count: 40)
    let figure = Figure(
      image: Self.image(100, 80), map: Self.map(signed: true), label: long, probability: 0.5,
      method: long, details: [long], notes: [long, String(repeating: "x", count: 5000)])
    let result = try figure.rendered()
    for y in 0..<result.height { #expect(result[result.width - 3, y] == .white) }
  }

  @Test(
    "a map that is not finite, or zero, leaves the picture as it is", arguments: [Float.nan, 0])
  func blank(value: Float) throws {
    let image = Self.image(30, 20)
    let map = Tensor([2, 2], [0, value, 0, 0])
    #expect(try Overlay().draw(map, over: image) == image)
    let figure = Figure(image: image, map: map, label: "x", method: "y")
    let noted = try figure.rendered()
    #expect(noted.height > 0)
  }

  @Test("an overlay has the picture's size, and its colour grows with the map")
  func overlay() throws {
    let image = Image(width: 64, height: 32, filledWith: RGB(128, 128, 128))
    let result = try Overlay(colorMap: .inferno, opacity: 1).draw(
      Tensor([1, 2], [0, 1]), over: image)
    #expect(result.width == 64 && result.height == 32)
    #expect(result[63, 5] == RGB(252, 254, 164))
    #expect(try Overlay(opacity: 0).draw(Self.map(), over: image) == image)
    #expect(try Overlay(opacity: .nan).draw(Self.map(), over: image).width == 64)
  }

  @Test("what cannot be drawn is an error")
  func impossible() {
    let image = Self.image(8, 8)
    for map in [Tensor([4]), Tensor([2, 2, 2]), Tensor([0, 3])] {
      let figure = Figure(image: image, map: map, label: "x", method: "y")
      #expect(throws: ImageError.self) { try figure.rendered() }
      #expect(throws: ImageError.self) { try Overlay().draw(map, over: image) }
      #expect(throws: ImageError.self) { try ColorMap.jet.apply(to: map) }
    }
    #expect(throws: ImageError.self) { try Canvas(width: 40_000, height: 3) }
    #expect(throws: ImageError.self) { try Canvas(width: 0, height: 3) }
    #expect(throws: ImageError.self) { try Image(width: 2, height: 2, pixels: [1, 2, 3]) }
    #expect(throws: ImageError.self) { try Image(width: .max, height: .max, pixels: []) }
    #expect(throws: ImageError.self) { try Image(width: -1, height: -1, pixels: [1, 2, 3]) }
    #expect(throws: SoundError.self) { try Sound(rate: 0, samples: []) }
    let figure = SpectrogramFigure(
      image: image, map: nil, axes: FigureAxes(times: 0...1, frequencies: []), label: "x")
    #expect(throws: ImageError.self) { try figure.rendered() }
  }

  @Test("extreme maps are drawn")
  func extremes() throws {
    let great = Float.greatestFiniteMagnitude
    for values in [[-great, great], [0, great], [0, Float.leastNonzeroMagnitude]] {
      let figure = Figure(
        image: Self.image(40, 40), map: Tensor([1, 2], values), label: "x", method: "y")
      let picture = try figure.rendered()
      #expect(Set(picture.pixels).count > 20)
    }
  }

  @Test("a colour map makes a picture of a map")
  func apply() throws {
    let image = try ColorMap.jet.apply(to: Tensor([1, 2], [0, 4]))
    #expect(image.width == 2 && image.height == 1)
    #expect(image[0, 0] == RGB(0, 0, 127) && image[1, 0] == RGB(127, 0, 0))
  }
}
