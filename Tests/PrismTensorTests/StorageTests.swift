import PrismTensor
import Synchronization
import Testing

@Suite("storage")
struct StorageTests {
  /// Memory that is not a tensor's, and that tells when it is given back.
  private final class Owner: Sendable {
    nonisolated(unsafe) let pointer: UnsafeMutablePointer<Float>
    private let wasFreed: @Sendable () -> Void

    init(_ values: [Float], wasFreed: @escaping @Sendable () -> Void = {}) {
      pointer = .allocate(capacity: values.count)
      for (i, value) in values.enumerated() { (pointer + i).initialize(to: value) }
      self.wasFreed = wasFreed
    }

    deinit {
      pointer.deallocate()
      wasFreed()
    }
  }

  private func address(_ tensor: Tensor) -> UInt {
    tensor.withUnsafePointer { UInt(bitPattern: $0) }
  }

  @Test(
    "memory begins at a multiple of 64 bytes", arguments: [1, 2, 3, 15, 16, 17, 63, 1000, 65537])
  func alignment(_ count: Int) {
    // Several at a time, so that one lucky address is not enough.
    let tensors = (0..<8).map { _ in Tensor([count], repeating: 1) }
    for tensor in tensors { #expect(address(tensor) % 64 == 0) }
    #expect(Set(tensors.map(address)).count == 8)
  }

  @Test("it holds as many elements as the shape says, and all of them can be written")
  func capacity() {
    for shape: Shape in [[], [1], [7], [3, 5], [2, 3, 4, 5], [4, 0, 3]] {
      var tensor = Tensor(shape) { target in
        #expect(target.count == shape.count)
        for i in target.indices { target[i] = Float(i) }
      }
      #expect(tensor.count == shape.count)
      #expect(tensor.scalars == (0..<shape.count).map(Float.init))
      tensor.withUnsafeMutableBufferPointer { target in
        for i in target.indices { target[i] += 1 }
      }
      #expect(tensor.scalars == (0..<shape.count).map { Float($0) + 1 })
    }
  }

  @Test("copies, reshaped ones too, share memory until one is written to")
  func sharing() {
    let first = Tensor([2, 3], [1, 2, 3, 4, 5, 6])
    var second = first
    let third = first.reshaped(to: [3, 2])
    #expect(address(first) == address(second) && address(first) == address(third))
    second[1, 2] = 60
    #expect(address(first) != address(second))
    #expect(second.scalars == [1, 2, 3, 4, 5, 60])
    #expect(first.scalars == [1, 2, 3, 4, 5, 6] && third.scalars == first.scalars)
    #expect(address(first) == address(third))
  }

  @Test("a tensor that nobody shares is written in place")
  func unique() {
    var tensor = Tensor([4], repeating: 1)
    let before = address(tensor)
    tensor[2] = 5
    tensor.withUnsafeMutableBufferPointer { $0[0] = 7 }
    tensor.withUnsafeMutablePointer { $0[1] = 8 }
    tensor += Tensor([4], repeating: 1)
    #expect(address(tensor) == before)
    #expect(tensor.scalars == [8, 9, 6, 2])
  }

  @Test("every way to write leaves a sharing copy alone", arguments: 0..<4)
  func copyOnWrite(_ way: Int) {
    let original = Tensor([2], [1, 2])
    var copy = original
    switch way {
    case 0: copy[0] = 9
    case 1: copy.withUnsafeMutableBufferPointer { $0[0] = 9 }
    case 2: copy.withUnsafeMutablePointer { $0[0] = 9 }
    default: copy += Tensor([2], [8, 0])
    }
    #expect(original.scalars == [1, 2])
    #expect(copy.scalars == [9, 2])
  }

  @Test("borrowed memory is read in place, copied before it is written, and never written")
  func borrowing() {
    let owner = Owner([1, 2, 3, 4])
    let tensor = Tensor(borrowing: owner.pointer, shape: [2, 2], owner: owner)
    #expect(address(tensor) == UInt(bitPattern: owner.pointer))
    #expect(tensor.scalars == [1, 2, 3, 4])
    var copy = tensor
    copy[0, 0] = 10
    #expect(address(copy) != address(tensor))
    // Also where the tensor is the only one that refers to the memory.
    var only = Tensor(borrowing: owner.pointer, shape: [4], owner: owner)
    only[3] = 40
    #expect(address(only) != address(tensor))
    #expect(only.scalars == [1, 2, 3, 40] && copy.scalars == [10, 2, 3, 4])
    #expect(Array(UnsafeBufferPointer(start: owner.pointer, count: 4)) == [1, 2, 3, 4])
  }

  @Test("borrowed memory lives as long as a tensor refers to it, and no longer")
  func lifetime() {
    let freed = Counter()
    var kept: Tensor?
    do {
      let owner = Owner([1, 2]) { freed.add() }
      let tensor = Tensor(borrowing: owner.pointer, shape: [2], owner: owner)
      kept = tensor.reshaped(to: [1, 2])
    }
    #expect(freed.count == 0)
    #expect(kept?.scalars == [1, 2])
    // A copy that is written to has memory of its own and needs the owner no more.
    var written = kept
    written?[0, 0] = 5
    kept = nil
    #expect(freed.count == 1)
    #expect(written?.scalars == [5, 2])
  }

  private final class Counter: Sendable {
    private let state = Mutex(0)
    var count: Int { state.withLock { $0 } }
    func add() { state.withLock { $0 += 1 } }
  }
}
