import Prism
import PrismReport
import Testing

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

@Suite("how pictures are read")
struct PictureReadingTests {
  private func reading(
    range: String? = nil, window: String? = nil, frame: Int? = nil
  ) -> PictureReading {
    var reading = PictureReading()
    reading.range = range
    reading.window = window
    reading.frame = frame
    return reading
  }

  @Test("texts become ranges")
  func ranges() throws {
    #expect(try reading().options().range == .automatic)
    #expect(try reading(range: "full").options().range == .full)
    #expect(try reading(range: "Used").options().range == .used)
    #expect(try reading(range: "-5:4095.5").options().range == .limits(low: -5, high: 4095.5))
    #expect(
      try reading(window: "-600:1500").options().range == .window(center: -600, width: 1500))
    #expect(try reading(frame: 3).options().frame == 3)
  }

  @Test(
    "nonsense is refused",
    arguments: [
      ("", nil, nil), ("5", nil, nil), ("9:3", nil, nil), ("3:3", nil, nil), ("a:b", nil, nil),
      ("1:2:3", nil, nil), ("nan:4", nil, nil), ("0:inf", nil, nil), (nil, "40", nil),
      (nil, "40:1", nil), (nil, "40:-3", nil), ("full", "40:400", nil), (nil, nil, 0),
      (nil, nil, -1),
    ] as [(String?, String?, Int?)])
  func nonsense(_ range: String?, _ window: String?, _ frame: Int?) {
    #expect(throws: RequestError.self) {
      try reading(range: range, window: window, frame: frame).options()
    }
  }

  @Test("a request keeps the choices, and one without them means none")
  func coding() throws {
    var request = ExplanationRequest(model: "dogs", methods: [.init("gradcam")])
    request.pictures = reading(range: "0:4095", frame: 2)
    request.showsRegions = true
    let data = try JSONEncoder().encode(request)
    #expect(try JSONDecoder().decode(ExplanationRequest.self, from: data) == request)
    let short = #"{"model": "dogs", "methods": [{"name": "gradcam"}]}"#
    let decoded = try JSONDecoder().decode(ExplanationRequest.self, from: Data(short.utf8))
    #expect(decoded.pictures == PictureReading() && !decoded.showsRegions)
  }
}
