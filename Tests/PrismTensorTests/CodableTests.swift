import Foundation
import PrismTensor
import Testing

@Suite("tensors as text")
struct CodableTests {
  @Test("every bit of a tensor goes through JSON", arguments: [[], [0], [1], [2, 3], [1, 5, 1]])
  func bits(_ extents: [Int]) throws {
    let shape = Shape(extents)
    let special: [Float] = [.infinity, -0.0, .nan, .leastNonzeroMagnitude, .pi, -1]
    let tensor = Tensor(shape, (0..<shape.count).map { special[$0 % special.count] })
    let data = try JSONEncoder().encode(tensor)
    let again = try JSONDecoder().decode(Tensor.self, from: data)
    #expect(again.shape == shape)
    #expect(again.scalars.map(\.bitPattern) == tensor.scalars.map(\.bitPattern))
  }

  @Test(
    "Base64 is that of RFC 4648",
    arguments: [
      ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="),
      ("fooba", "Zm9vYmE="), ("foobar", "Zm9vYmFy"),
    ])
  func base64(_ plain: String, _ text: String) {
    #expect(Base64.encode(Array(plain.utf8)) == text)
    #expect(Base64.decode(text) == Array(plain.utf8))
  }

  @Test(
    "what is no Base64 is nothing", arguments: ["A", "AAA", "A===", "AA=A", "====", "AA*A", "Ä="])
  func broken(_ text: String) {
    #expect(Base64.decode(text) == nil)
  }

  @Test("softmax and sigmoid of large numbers are what they tend to")
  func probabilities() {
    #expect(softmax([1000, 1000, -1000]) == [0.5, 0.5, 0])
    #expect(sigmoid(0) == 0.5 && sigmoid(-1000) == 0 && sigmoid(1000) == 1)
  }
}
