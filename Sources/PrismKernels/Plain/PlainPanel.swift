/// Sixteen neighbouring channels: several vector registers on any machine, enough to keep its
/// adders busy.
typealias PlainPanel = SIMD16<Float>

@inline(__always)
func loadPanel(_ pointer: UnsafePointer<Float>) -> PlainPanel {
  UnsafeRawPointer(pointer).loadUnaligned(as: PlainPanel.self)
}

@inline(__always)
func loadPanel(_ pointer: UnsafeMutablePointer<Float>) -> PlainPanel {
  UnsafeRawPointer(pointer).loadUnaligned(as: PlainPanel.self)
}

@inline(__always)
func storePanel(_ panel: PlainPanel, _ pointer: UnsafeMutablePointer<Float>) {
  UnsafeMutableRawPointer(pointer).storeBytes(of: panel, as: PlainPanel.self)
}

/// Calls one closure for every whole panel of channels and another for every channel left over.
@inline(__always)
func forEachPanel(_ channels: Int, _ panel: (Int) -> Void, rest: (Int) -> Void) {
  var c = 0
  while c &+ 16 <= channels {
    panel(c)
    c &+= 16
  }
  while c < channels {
    rest(c)
    c &+= 1
  }
}
