import Testing

@testable import PrismFiles

@Suite("JSON")
struct JSONTests {
  @Test(
    "values are read as what they are",
    arguments: [
      ("null", JSON.null), (" true\n", .bool(true)), ("false", .bool(false)), ("0", .integer(0)),
      ("-7", .integer(-7)), ("9223372036854775807", .integer(.max)),
      ("9223372036854775808", .number(0x1p63)), ("1.0", .number(1)), ("-1.5e-3", .number(-0.0015)),
      ("2E2", .number(200)), ("\"\"", .string("")),
      (#""\u00e9\ud834\udd1e\/\b""#, .string("é𝄞/\u{8}")),
      ("[]", .array([])), ("[1, [2]]", .array([.integer(1), .array([.integer(2)])])),
      (
        #"{"b":1,"a":null}"#,
        .object([.init(name: "b", value: .integer(1)), .init(name: "a", value: .null)])
      ),
    ])
  func values(_ text: String, _ value: JSON) throws {
    #expect(try JSONReader.parse(text) == value)
    #expect(try JSONReader.parse(value.description) == value)
  }

  @Test(
    "what is not JSON is refused",
    arguments: [
      "", " ", "nul", "nulll", "TRUE", "01", "-", "1.", ".5", "+1", "1e", "1e999", "0x10", "NaN",
      "'a'",
      "\"", "\"\\x\"", #""\ud800""#, #""\ud800\u0041""#, #""\udc00""#, #""\u00g0""#, #""\u12"#,
      "\"a\nb\"", "[1,]", "[,1]", "[1 2]", "[", "]", "{", "{\"a\"}", "{\"a\":1,}", "{a:1}", "{1:1}",
      "{\"a\":1,\"a\":2}", "1 1", "// x\n1", String(repeating: "[", count: 1_000_000),
      String(repeating: "{\"a\":", count: 1_000_000), String(repeating: "1", count: 2000),
    ])
  func refusals(_ text: String) {
    #expect(throws: JSONError.self) { try JSONReader.parse(text) }
  }

  @Test("formatted text has a line for every element, and what is short on one")
  func formatted() throws {
    func object(_ count: Int) -> JSON {
      ["a": .string(String(repeating: "é", count: count)), "b": .array([]), "c": .object([])]
    }
    let flat: (Int) -> JSON = {
      ["a": .string(String(repeating: "x", count: $0)), "b": .number(0.5)]
    }
    let value: JSON = [
      "numbers": .array([.integer(1), .number(-0.25), .null]), "nested": object(2),
      // 80 bytes without blanks are short, 81 are not.
      "short": flat(80 - 16), "long": flat(81 - 16), "control": .string("\u{1}\t\u{1f}\"\\"),
      "deep": .array([.array([.integer(1)]), .bool(true)]),
    ]
    let x = String(repeating: "x", count: 64)
    #expect(
      value.formatted == """
        {
          "numbers": [1, -0.25, null],
          "nested": {
            "a": "éé",
            "b": [],
            "c": {}
          },
          "short": {"a": "\(x)", "b": 0.5},
          "long": {
            "a": "x\(x)",
            "b": 0.5
          },
          "control": "\\u0001\\t\\u001f\\"\\\\",
          "deep": [
            [1],
            true
          ]
        }
        """)
    #expect(try JSONReader.parse(value.formatted) == value)
    let many = JSON.array((0..<41).map { .integer($0 % 10) })
    #expect(many.formatted.split(separator: "\n").count == 43)
  }

  @Test("numbers are written with the digits that give them back")
  func numbers() throws {
    for value in [0.1, 1e-5, 0.00784313725490196, 1e300, 1e-300, .leastNonzeroMagnitude, -2.5] {
      #expect(try JSONReader.parse(JSON.number(value).description) == .number(value))
    }
  }

  @Test("numbers are the nearest ones, to the bit")
  func rounding() throws {
    var texts = [
      "0.0", "-0.0", "-0", "0.1", "9007199254740993.0", "9007199254740992.5", "-0.000", "1e-7",
      "4503599627370497.5", "4503599627370496.5", "9007199254740991.4999999999",
      "9999999999999999999.0", "18446744073709551616.0", "0.9999999999999999999",
      "0.00000000000000000000123", "4611686018427387904", "-4611686018427387905",
      "1.00000000000000011102230246251565404236316680908203125", "123456789012345678901234567890.5",
    ]
    var state: UInt64 = 1
    func draw() -> UInt64 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return state ^ (state >> 31)
    }
    for _ in 0..<20_000 {
      let (digits, zeros) = (String(draw() >> (draw() % 60)), Int(draw() % 4))
      texts.append("\(draw() >> (draw() % 60)).\(String(repeating: "0", count: zeros))\(digits)")
      texts.append("\(Double(Int64(bitPattern: draw())) / 0x1p62)")
    }
    for text in texts {
      let value = try #require(try JSONReader.parse(text).double)
      #expect(value.bitPattern == Double(text)?.bitPattern || text == "-0")
    }
  }
}
