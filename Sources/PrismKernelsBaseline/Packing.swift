// How weights are laid out for the register tile.

/// Writes the bias, padded with zeros to whole vectors.
@inline(never)
func packBias(_ bias: Source?, _ n: Int, _ packed: Destination) {
  let padded = TileShape.padded(n)
  var i = 0
  while i < padded {
    if i < n, let bias { packed[i] = bias[i] } else { packed[i] = 0 }
    i &+= 1
  }
}

/// Writes `[K, N]` weights panel by panel; panel `p` starts at `p * panelStride` and the last one
/// may be one vector wide.
@inline(never)
func packPanels(
  _ weights: Source, _ inputStep: Int, _ outputStep: Int, _ k: Int, _ n: Int,
  _ packed: Destination, _ panelStride: Int
) {
  let padded = TileShape.padded(n)
  var column = 0
  var target = packed
  while column < padded {
    let width = padded &- column < TileShape.panelWidth ? W : TileShape.panelWidth
    var i = 0
    while i < k {
      var j = 0
      while j < width {
        let channel = column &+ j
        target[i &* width &+ j] =
          channel < n ? weights[i &* inputStep &+ channel &* outputStep] : 0
        j &+= 1
      }
      i &+= 1
    }
    target += panelStride
    column &+= TileShape.panelWidth
  }
}
