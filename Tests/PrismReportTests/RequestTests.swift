import Prism
import PrismReport
import Testing

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

@Suite("requests")
struct RequestTests {
  @Test("a request survives its JSON, and may leave out all but model and methods")
  func json() throws {
    var request = ExplanationRequest(model: "dogs", methods: [.init("lime"), .init("gradcam")])
    request.methods[0].samples = 200
    request.seed = 7
    request.windows = "top3"
    request.purpose = .comparison
    request.tests.sanity = true
    let copy = try JSONDecoder().decode(
      ExplanationRequest.self, from: try JSONEncoder().encode(request))
    #expect(copy == request)
    let text = #"{"model": "dogs", "methods": [{"name": "gradcam"}]}"#
    let least = try JSONDecoder().decode(ExplanationRequest.self, from: Data(text.utf8))
    #expect(least == ExplanationRequest(model: "dogs", methods: [.init("gradcam")]))
  }

  @Test("text that nobody vouches for is read in linear time, wherever its marks are")
  func marks() {
    // In an order that Unicode's normal form changes: comparing so many would take minutes.
    let marks = "a" + String(repeating: "\u{301}\u{323}", count: 250_000)
    let texts = [
      #"{"model": "\#(marks)", "methods": []}"#,
      #"{"\#(marks)": 1, "model": "m", "methods": []}"#,
      #"{"model": "m", "methods": [{"name": "\#(marks)"}]}"#,
      #"{"model": "m", "methods": [{"name": "lime", "segments": "\#(marks)"}]}"#,
      #"{"model": "m", "methods": [], "targets": "\#(marks)"}"#,
    ]
    for (number, text) in texts.enumerated() {
      let result = Result { try ExplanationRequest(json: text) }
      let error = #expect(throws: JSONError.self, "text \(number)") { try result.get() }
      #expect(error?.description.contains("combining marks") == true)
    }
  }

  @Test("no text of a request is longer than a name may be")
  func longTexts() throws {
    let long = String(repeating: "x", count: Limits.Name.name.standard + 1)
    for text in [
      #"{"model": "\#(long)", "methods": []}"#, #"{"\#(long)": 1, "model": "m", "methods": []}"#,
      #"{"model": "m", "methods": [{"name": "lime", "layer": "\#(long)"}]}"#,
    ] {
      #expect(throws: LimitError.self) { try ExplanationRequest(json: text) }
    }
    let request = try ExplanationRequest(json: #"{"model": "m", "methods": [{"name": "lime"}]}"#)
    #expect(request == ExplanationRequest(model: "m", methods: [.init("lime")]))
  }

  @Test("each method is given what it knows, and what none knows is an error")
  func sharing() throws {
    var choices = ExplanationRequest.Method("")
    choices.layer = "features.18"
    choices.samples = 50
    let methods = try ExplanationRequest.methods([.gradcam, .rise], sharing: choices)
    #expect(methods.map(\.layer) == ["features.18", nil])
    #expect(methods.map(\.samples) == [nil, 50])
    choices.segments = "slic"
    #expect(throws: RequestError.self) {
      try ExplanationRequest.methods([.gradcam, .rise], sharing: choices)
    }
  }

  @Test("windows as text")
  func windows() throws {
    #expect(try WindowChoice(nil) == .strongest(1))
    #expect(try WindowChoice("All") == .all)
    #expect(try WindowChoice("top3") == .strongest(3))
    #expect(try WindowChoice("2.0,4.5s") == .starts([2, 4.5]))
    for text in ["", "soon", "top0", "1,,2", "-1", "nan", "inf"] {
      #expect(throws: RequestError.self, "\(text)") { try WindowChoice(text) }
    }
  }

  @Test(
    "paths from the root, and as much of their ends as fits",
    arguments: [
      ("/a/./b/../c.png", "/a/c.png", "/a/c.png"),
      ("/long/patient2/view.png", "/long/patient2/view.png", "…/patient2/view.png"),
    ])
  func paths(path: String, whole: String, short: String) {
    #expect(ReportInput.wholePath(of: path) == whole)
    #expect(ReportInput.shortened(whole, to: 20) == short)
  }
}
