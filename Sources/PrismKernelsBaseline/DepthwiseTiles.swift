// Which depthwise tile computes what.

/// Returns the most columns of a tile for a kernel and a stride; zero when there is no tile.
@inline(always)
func depthwiseColumns(_ kernel: Int, _ stride: Int) -> Int {
  if kernel == 7 && stride == 1 { return 7 }
  return (kernel == 3 || kernel == 5) && (stride == 1 || stride == 2) ? 7 : 0
}

@inline(never) func depthwise3x1x1(_ row: DepthwiseRow) { depthwise3x1(1, row, edges: false) }
@inline(never) func depthwise3x1x2(_ row: DepthwiseRow) { depthwise3x1(2, row, edges: false) }
@inline(never) func depthwise3x1x3(_ row: DepthwiseRow) { depthwise3x1(3, row, edges: false) }
@inline(never) func depthwise3x1x4(_ row: DepthwiseRow) { depthwise3x1(4, row, edges: false) }
@inline(never) func depthwise3x1x5(_ row: DepthwiseRow) { depthwise3x1(5, row, edges: false) }
@inline(never) func depthwise3x1x6(_ row: DepthwiseRow) { depthwise3x1(6, row, edges: false) }
@inline(never) func depthwise3x1x7(_ row: DepthwiseRow) { depthwise3x1(7, row, edges: false) }
@inline(never) func depthwise3x2x1(_ row: DepthwiseRow) { depthwise3x2(1, row, edges: false) }
@inline(never) func depthwise3x2x2(_ row: DepthwiseRow) { depthwise3x2(2, row, edges: false) }
@inline(never) func depthwise3x2x3(_ row: DepthwiseRow) { depthwise3x2(3, row, edges: false) }
@inline(never) func depthwise3x2x4(_ row: DepthwiseRow) { depthwise3x2(4, row, edges: false) }
@inline(never) func depthwise3x2x5(_ row: DepthwiseRow) { depthwise3x2(5, row, edges: false) }
@inline(never) func depthwise3x2x6(_ row: DepthwiseRow) { depthwise3x2(6, row, edges: false) }
@inline(never) func depthwise3x2x7(_ row: DepthwiseRow) { depthwise3x2(7, row, edges: false) }
@inline(never) func depthwise5x1x1(_ row: DepthwiseRow) { depthwise5x1(1, row, edges: false) }
@inline(never) func depthwise5x1x2(_ row: DepthwiseRow) { depthwise5x1(2, row, edges: false) }
@inline(never) func depthwise5x1x3(_ row: DepthwiseRow) { depthwise5x1(3, row, edges: false) }
@inline(never) func depthwise5x1x4(_ row: DepthwiseRow) { depthwise5x1(4, row, edges: false) }
@inline(never) func depthwise5x1x5(_ row: DepthwiseRow) { depthwise5x1(5, row, edges: false) }
@inline(never) func depthwise5x1x6(_ row: DepthwiseRow) { depthwise5x1(6, row, edges: false) }
@inline(never) func depthwise5x1x7(_ row: DepthwiseRow) { depthwise5x1(7, row, edges: false) }
@inline(never) func depthwise5x2x1(_ row: DepthwiseRow) { depthwise5x2(1, row, edges: false) }
@inline(never) func depthwise5x2x2(_ row: DepthwiseRow) { depthwise5x2(2, row, edges: false) }
@inline(never) func depthwise5x2x3(_ row: DepthwiseRow) { depthwise5x2(3, row, edges: false) }
@inline(never) func depthwise5x2x4(_ row: DepthwiseRow) { depthwise5x2(4, row, edges: false) }
@inline(never) func depthwise5x2x5(_ row: DepthwiseRow) { depthwise5x2(5, row, edges: false) }
@inline(never) func depthwise5x2x6(_ row: DepthwiseRow) { depthwise5x2(6, row, edges: false) }
@inline(never) func depthwise5x2x7(_ row: DepthwiseRow) { depthwise5x2(7, row, edges: false) }
@inline(never) func depthwise7x1x1(_ row: DepthwiseRow) { depthwise7x1(1, row, edges: false) }
@inline(never) func depthwise7x1x2(_ row: DepthwiseRow) { depthwise7x1(2, row, edges: false) }
@inline(never) func depthwise7x1x3(_ row: DepthwiseRow) { depthwise7x1(3, row, edges: false) }
@inline(never) func depthwise7x1x4(_ row: DepthwiseRow) { depthwise7x1(4, row, edges: false) }
@inline(never) func depthwise7x1x5(_ row: DepthwiseRow) { depthwise7x1(5, row, edges: false) }
@inline(never) func depthwise7x1x6(_ row: DepthwiseRow) { depthwise7x1(6, row, edges: false) }
@inline(never) func depthwise7x1x7(_ row: DepthwiseRow) { depthwise7x1(7, row, edges: false) }
// The same at the edges of the image.
@inline(never) func edge3x1x1(_ row: DepthwiseRow) { depthwise3x1(1, row, edges: true) }
@inline(never) func edge3x1x2(_ row: DepthwiseRow) { depthwise3x1(2, row, edges: true) }
@inline(never) func edge3x1x3(_ row: DepthwiseRow) { depthwise3x1(3, row, edges: true) }
@inline(never) func edge3x1x4(_ row: DepthwiseRow) { depthwise3x1(4, row, edges: true) }
@inline(never) func edge3x1x5(_ row: DepthwiseRow) { depthwise3x1(5, row, edges: true) }
@inline(never) func edge3x1x6(_ row: DepthwiseRow) { depthwise3x1(6, row, edges: true) }
@inline(never) func edge3x1x7(_ row: DepthwiseRow) { depthwise3x1(7, row, edges: true) }
@inline(never) func edge3x2x1(_ row: DepthwiseRow) { depthwise3x2(1, row, edges: true) }
@inline(never) func edge3x2x2(_ row: DepthwiseRow) { depthwise3x2(2, row, edges: true) }
@inline(never) func edge3x2x3(_ row: DepthwiseRow) { depthwise3x2(3, row, edges: true) }
@inline(never) func edge3x2x4(_ row: DepthwiseRow) { depthwise3x2(4, row, edges: true) }
@inline(never) func edge3x2x5(_ row: DepthwiseRow) { depthwise3x2(5, row, edges: true) }
@inline(never) func edge3x2x6(_ row: DepthwiseRow) { depthwise3x2(6, row, edges: true) }
@inline(never) func edge3x2x7(_ row: DepthwiseRow) { depthwise3x2(7, row, edges: true) }
@inline(never) func edge5x1x1(_ row: DepthwiseRow) { depthwise5x1(1, row, edges: true) }
@inline(never) func edge5x1x2(_ row: DepthwiseRow) { depthwise5x1(2, row, edges: true) }
@inline(never) func edge5x1x3(_ row: DepthwiseRow) { depthwise5x1(3, row, edges: true) }
@inline(never) func edge5x1x4(_ row: DepthwiseRow) { depthwise5x1(4, row, edges: true) }
@inline(never) func edge5x1x5(_ row: DepthwiseRow) { depthwise5x1(5, row, edges: true) }
@inline(never) func edge5x1x6(_ row: DepthwiseRow) { depthwise5x1(6, row, edges: true) }
@inline(never) func edge5x1x7(_ row: DepthwiseRow) { depthwise5x1(7, row, edges: true) }
@inline(never) func edge5x2x1(_ row: DepthwiseRow) { depthwise5x2(1, row, edges: true) }
@inline(never) func edge5x2x2(_ row: DepthwiseRow) { depthwise5x2(2, row, edges: true) }
@inline(never) func edge5x2x3(_ row: DepthwiseRow) { depthwise5x2(3, row, edges: true) }
@inline(never) func edge5x2x4(_ row: DepthwiseRow) { depthwise5x2(4, row, edges: true) }
@inline(never) func edge5x2x5(_ row: DepthwiseRow) { depthwise5x2(5, row, edges: true) }
@inline(never) func edge5x2x6(_ row: DepthwiseRow) { depthwise5x2(6, row, edges: true) }
@inline(never) func edge5x2x7(_ row: DepthwiseRow) { depthwise5x2(7, row, edges: true) }
@inline(never) func edge7x1x1(_ row: DepthwiseRow) { depthwise7x1(1, row, edges: true) }
@inline(never) func edge7x1x2(_ row: DepthwiseRow) { depthwise7x1(2, row, edges: true) }
@inline(never) func edge7x1x3(_ row: DepthwiseRow) { depthwise7x1(3, row, edges: true) }
@inline(never) func edge7x1x4(_ row: DepthwiseRow) { depthwise7x1(4, row, edges: true) }
@inline(never) func edge7x1x5(_ row: DepthwiseRow) { depthwise7x1(5, row, edges: true) }
@inline(never) func edge7x1x6(_ row: DepthwiseRow) { depthwise7x1(6, row, edges: true) }
@inline(never) func edge7x1x7(_ row: DepthwiseRow) { depthwise7x1(7, row, edges: true) }

/// Runs the tile of a kernel (3 or 5, or 7 with stride 1), a stride (1 or 2) and a number of
/// columns (1 to 7).
func runDepthwiseTile(_ kernel: Int, _ stride: Int, _ columns: Int, _ row: DepthwiseRow) {
  if row.left > 0 || row.right < (columns &- 1) &* stride &+ kernel {
    return runDepthwiseEdge(kernel, stride, columns, row)
  }
  if kernel == 3 && stride == 1 {
    switch columns {
    case 1: depthwise3x1x1(row)
    case 2: depthwise3x1x2(row)
    case 3: depthwise3x1x3(row)
    case 4: depthwise3x1x4(row)
    case 5: depthwise3x1x5(row)
    case 6: depthwise3x1x6(row)
    default: depthwise3x1x7(row)
    }
  }
  if kernel == 3 && stride == 2 {
    switch columns {
    case 1: depthwise3x2x1(row)
    case 2: depthwise3x2x2(row)
    case 3: depthwise3x2x3(row)
    case 4: depthwise3x2x4(row)
    case 5: depthwise3x2x5(row)
    case 6: depthwise3x2x6(row)
    default: depthwise3x2x7(row)
    }
  }
  if kernel == 5 && stride == 1 {
    switch columns {
    case 1: depthwise5x1x1(row)
    case 2: depthwise5x1x2(row)
    case 3: depthwise5x1x3(row)
    case 4: depthwise5x1x4(row)
    case 5: depthwise5x1x5(row)
    case 6: depthwise5x1x6(row)
    default: depthwise5x1x7(row)
    }
  }
  if kernel == 5 && stride == 2 {
    switch columns {
    case 1: depthwise5x2x1(row)
    case 2: depthwise5x2x2(row)
    case 3: depthwise5x2x3(row)
    case 4: depthwise5x2x4(row)
    case 5: depthwise5x2x5(row)
    case 6: depthwise5x2x6(row)
    default: depthwise5x2x7(row)
    }
  }
  if kernel == 7 && stride == 1 {
    switch columns {
    case 1: depthwise7x1x1(row)
    case 2: depthwise7x1x2(row)
    case 3: depthwise7x1x3(row)
    case 4: depthwise7x1x4(row)
    case 5: depthwise7x1x5(row)
    case 6: depthwise7x1x6(row)
    default: depthwise7x1x7(row)
    }
  }
}

/// The same for a tile that hangs over the edges of the image.
func runDepthwiseEdge(_ kernel: Int, _ stride: Int, _ columns: Int, _ row: DepthwiseRow) {
  if kernel == 3 && stride == 1 {
    switch columns {
    case 1: edge3x1x1(row)
    case 2: edge3x1x2(row)
    case 3: edge3x1x3(row)
    case 4: edge3x1x4(row)
    case 5: edge3x1x5(row)
    case 6: edge3x1x6(row)
    default: edge3x1x7(row)
    }
  }
  if kernel == 3 && stride == 2 {
    switch columns {
    case 1: edge3x2x1(row)
    case 2: edge3x2x2(row)
    case 3: edge3x2x3(row)
    case 4: edge3x2x4(row)
    case 5: edge3x2x5(row)
    case 6: edge3x2x6(row)
    default: edge3x2x7(row)
    }
  }
  if kernel == 5 && stride == 1 {
    switch columns {
    case 1: edge5x1x1(row)
    case 2: edge5x1x2(row)
    case 3: edge5x1x3(row)
    case 4: edge5x1x4(row)
    case 5: edge5x1x5(row)
    case 6: edge5x1x6(row)
    default: edge5x1x7(row)
    }
  }
  if kernel == 5 && stride == 2 {
    switch columns {
    case 1: edge5x2x1(row)
    case 2: edge5x2x2(row)
    case 3: edge5x2x3(row)
    case 4: edge5x2x4(row)
    case 5: edge5x2x5(row)
    case 6: edge5x2x6(row)
    default: edge5x2x7(row)
    }
  }
  if kernel == 7 && stride == 1 {
    switch columns {
    case 1: edge7x1x1(row)
    case 2: edge7x1x2(row)
    case 3: edge7x1x3(row)
    case 4: edge7x1x4(row)
    case 5: edge7x1x5(row)
    case 6: edge7x1x6(row)
    default: edge7x1x7(row)
    }
  }
}
