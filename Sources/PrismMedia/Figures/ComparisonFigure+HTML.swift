internal import PrismFiles
internal import PrismTensor

extension ComparisonFigure {
  /// The figure as an HTML page that needs no other file: values under the pointer, and a slider
  /// for the overlay.
  ///
  /// - Throws: As ``rendered()``.
  public func html() throws(ImageError) -> String {
    try check()
    let shown = ShownSize(of: image, side: 288)
    let picture = shown.sized(image)
    let source = "data:image/png;base64," + Base64.encode(try picture.pngData())
    let scales = columns.indices.map { scale(ofColumn: $0) }
    var page = head
    for note in shownNotes + (shown.note.map { [$0] } ?? []) {
      page += "<p class=\"grey\">\(note.escapedForHTML)</p>\n"
    }
    page += """
      <p><label>Overlay <input id="opacity" type="range" min="0" max="100" value="60"></label>
      <output id="shown">60 %</output></p>
      <div class="scroll" tabindex="0" role="region" aria-label="Maps"><table class="maps">
      <tr><th>Input</th>\(columns.map { "<th>\($0.escapedForHTML)</th>" }.joined())</tr>

      """
    let border = outline.map {
      Outline(of: $0, in: area).path(width: picture.width, height: picture.height)
    }
    for index in rows.indices {
      page += html(ofRow: index, picture: picture, source: source, border: border, scales: scales)
    }
    if scales.contains(where: \.isShared) {
      page += "<tr><td></td>"
      for (column, scale) in scales.enumerated() {
        let range = scale.isShared ? scale.ranges.compactMap { $0 }.first : nil
        page += "<td>\(bar(range, column: column, width: picture.width))</td>"
      }
      page += "</tr>\n"
    }
    page += "</table></div>\n"
    for table in tables { page += html(of: table) }
    return page + script(source: source) + "</main>\n</body>\n</html>\n"
  }

  private var head: String {
    """
    <!DOCTYPE html>
    <html lang="en">
    <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>\(title.escapedForHTML)</title>
    <style>\(Self.style)</style>
    </head>
    <body>
    <main>
    <h1>\(title.escapedForHTML)</h1>
    <p class="grey">\(subtitle.escapedForHTML)</p>

    """
  }

  /// A label, the picture and its maps.
  private func html(
    ofRow index: Int, picture: Image, source: String, border: String?, scales: [Scale]
  ) -> String {
    let row = rows[index]
    let extents = "width=\"\(picture.width)\" height=\"\(picture.height)\""
    let outline =
      border.map { "<path d=\"\($0)\" class=\"rim\"/><path d=\"\($0)\" class=\"line\"/>" } ?? ""
    func drawing(_ elements: String) -> String {
      elements.isEmpty ? "" : "<svg \(extents)>\(elements)</svg>"
    }
    var page = "<tr><td class=\"label\" colspan=\"\(columns.count + 1)\">"
    page += "\(row.label.escapedForHTML) "
    page +=
      "<span class=\"grey\">\((row.probability.map(Text.percent) ?? "").escapedForHTML)</span>"
    page += "</td></tr>\n<tr><td><div class=\"panel\"><img src=\"\(source)\" \(extents) "
    page += "alt=\"The input\">"
    page += drawing(outline) + "</div></td>"
    for (column, cell) in row.cells.enumerated() {
      let range = scales[column].ranges[index].flatMap { $0.isFlat ? nil : $0 }
      page += "<td><div class=\"panel\"><canvas \(extents) "
      page += "data-rows=\"\(cell.map.shape[0])\" data-columns=\"\(cell.map.shape[1])\" "
      page += "data-map=\"\(base64(cell.map))\" "
      if let range {
        page += "data-low=\"\(range.lower)\" data-high=\"\(range.upper)\" "
        page += "data-colors=\"\(range.isSigned ? "signed" : "positive")\" "
      }
      if let segments = cell.segments, segments.count == cell.map.count {
        page += "data-segments=\"\(base64(segments))\" "
      }
      let frames = RegionFrames(cell.regions).elements(
        width: picture.width, height: picture.height)
      page += "></canvas>\(drawing(outline + frames))</div><div class=\"value\">&nbsp;</div>"
      if !scales[column].isShared { page += bar(range, column: column, width: picture.width) }
      page += cell.captions.map { "<div class=\"grey\">\($0.escapedForHTML)</div>" }.joined()
      page += "</td>"
    }
    return page + "</tr>\n"
  }

  /// A colour scale with its ends and its name; nothing where there is nothing to show.
  private func bar(_ range: MapRange?, column: Int, width: Int) -> String {
    guard
      let range,
      let bar = ColorBar(range, overlay: Overlay(), unit: unit(ofColumn: column), count: 2)
    else { return "" }
    let (low, high) = (Double(range.lower - range.centre), Double(range.upper - range.centre))
    // The ends carry their own powers of ten.
    let title = ColorBar.title(of: range, measure: unit(ofColumn: column))
    return """
      <canvas class="bar" width="\(width)" height="12" \
      data-colors="\(bar.range.isSigned ? "signed" : "positive")"></canvas>\
      <div class="ends"><span>\(Text.number(low))</span><span>\(Text.number(high))</span></div>\
      <div class="grey">\(title.escapedForHTML)</div>
      """
  }

  private func html(of table: Table) -> String {
    var page = "<h2>\(table.title.escapedForHTML)</h2>\n"
    page += "<div class=\"scroll\" tabindex=\"0\" role=\"region\" "
    page += "aria-label=\"\(table.title.escapedForHTML)\"><table class=\"numbers\">\n<tr>"
    page +=
      table.header
      .map { $0.isEmpty ? "<td></td>" : "<th>\($0.escapedForHTML)</th>" }.joined() + "</tr>\n"
    for row in table.rows {
      page += "<tr>" + row.map { "<td>\($0.escapedForHTML)</td>" }.joined() + "</tr>\n"
    }
    page += "</table></div>\n"
    for note in table.notes { page += "<p class=\"grey\">\(note.escapedForHTML)</p>\n" }
    return page
  }

  private func script(source: String) -> String {
    let overlay = Overlay()
    let scales = [
      ("positive", MapRange(lower: 0, upper: 1)), ("signed", MapRange(lower: -1, upper: 1)),
    ]
    .map { name, range in
      let colors = overlay.colorMap(for: range).colors.map { "[\($0.red),\($0.green),\($0.blue)]" }
      return "\(name):[\(colors.joined(separator: ","))]"
    }
    let axes =
      axes.map { axes in
        let frequencies = axes.frequencies.map { "\($0)" }.joined(separator: ",")
        return "{from:\(axes.times.lowerBound),to:\(axes.times.upperBound),"
          + "begin:\(axes.sound.lowerBound),end:\(axes.sound.upperBound),"
          + "frequencies:[\(frequencies)]}"
      } ?? "null"
    return """
      <script>
      const picture = "\(source)";
      const scales = {\(scales.joined(separator: ","))};
      const axes = \(axes);
      const area = [\(area.x), \(area.y), \(area.width), \(area.height)];
      \(Self.script)</script>

      """
  }

  private static let style = """

    body { overflow-wrap: anywhere; }
    body { font: 15px/1.4 system-ui, sans-serif; color: #1b1f24; margin: 2rem; background: #fff; }
    h1 { font-size: 1.5rem; margin: 0 0 .2rem; } h2 { font-size: 1.05rem; margin: 1.8rem 0 .4rem; }
    .grey { color: #57606a; margin: .1rem 0; }
    .scroll { overflow-x: auto; }
    table { border-collapse: collapse; } th { text-align: left; }
    .maps td, .maps th { padding: 0 1rem .3rem 0; vertical-align: top; }
    .maps .label { padding-top: .8rem; font-size: 1.05rem; }
    .panel { position: relative; width: fit-content; }
    .panel svg { position: absolute; inset: 0; pointer-events: none; fill: none; }
    .panel text { fill: #fff; stroke: #1b1f24; stroke-width: 3; paint-order: stroke;
      font-size: 12px; }
    .rim { stroke: #1b1f24; stroke-width: 3.3; } .line { stroke: #fff; stroke-width: 1.5; }
    .maps canvas, .maps img { display: block; outline: 1px solid #b4bac2; }
    .value { font-variant-numeric: tabular-nums; min-height: 1.4em; }
    .ends { display: flex; justify-content: space-between; font-size: .85rem; }
    .numbers td, .numbers th { padding: .2rem 1.2rem .2rem 0; text-align: right; }
    .numbers td { font-variant-numeric: tabular-nums; }
    .numbers td:first-child, .numbers th:first-child { text-align: left; }
    .numbers th { border-bottom: 1px solid #b4bac2; color: #57606a; font-weight: 600; }
    @media (prefers-color-scheme: dark) {
      body { background: #14171b; color: #e6e8eb; } .grey, .numbers th { color: #9aa4af; }
    }

    """

  // Draws every map over the picture as `Overlay` does, and tells the value under the pointer.
  private static let script = """
    function decode(text, type) {
      const bytes = Uint8Array.from(atob(text), c => c.charCodeAt(0));
      return new type(bytes.buffer);
    }
    const maps = [...document.querySelectorAll("canvas[data-map]")].map(canvas => {
      const d = canvas.dataset;
      return { canvas, rows: +d.rows, columns: +d.columns, values: decode(d.map, Float32Array),
        segments: d.segments ? decode(d.segments, Int32Array) : null,
        low: +d.low, high: +d.high, colors: scales[d.colors], isSigned: d.colors === "signed" };
    });
    for (const bar of document.querySelectorAll("canvas.bar")) {
      const c = bar.getContext("2d");
      scales[bar.dataset.colors].forEach((color, i) => {
        c.fillStyle = `rgb(${color})`;
        c.fillRect(i * bar.width / 256, 0, bar.width / 256 + 1, bar.height);
      });
    }
    // From shares of the picture to shares of the part that the maps are about.
    const across = u => (u - area[0]) / area[2], down = v => (v - area[1]) / area[3];
    const isSeen = (u, v) => u >= 0 && u < 1 && v >= 0 && v < 1;
    function sample(m, u, v) {
      const x = Math.min(Math.max(u * m.columns - .5, 0), m.columns - 1);
      const y = Math.min(Math.max(v * m.rows - .5, 0), m.rows - 1);
      const i = Math.floor(x), j = Math.floor(y), a = x - i, b = y - j;
      const i1 = Math.min(i + 1, m.columns - 1), j1 = Math.min(j + 1, m.rows - 1);
      const at = (c, r) => m.values[r * m.columns + c];
      return (1 - b) * ((1 - a) * at(i, j) + a * at(i1, j))
        + b * ((1 - a) * at(i, j1) + a * at(i1, j1));
    }
    function place(m, u, v) {
      return Math.min(Math.floor(v * m.rows), m.rows - 1) * m.columns
        + Math.min(Math.floor(u * m.columns), m.columns - 1);
    }
    function draw(m, image, opacity) {
      const { canvas } = m, w = canvas.width, h = canvas.height, c = canvas.getContext("2d");
      c.drawImage(image, 0, 0, w, h);
      if (!m.colors) return;
      const pixels = c.getImageData(0, 0, w, h), p = pixels.data;
      for (let y = 0; y < h; y++) for (let x = 0; x < w; x++) {
        const u = across((x + .5) / w), v = down((y + .5) / h), k = 4 * (y * w + x);
        if (!isSeen(u, v)) continue;
        const at = (sample(m, u, v) - m.low) / (m.high - m.low);
        const strength = Math.min(Math.max(m.isSigned ? Math.abs(2 * at - 1) : at, 0), 1);
        const share = opacity * (.45 + .55 * Math.min(1, 2 * strength));
        const color = m.colors[Math.min(Math.max(Math.floor(at * 256), 0), 255)];
        for (let i = 0; i < 3; i++) p[k + i] = p[k + i] * (1 - share) + color[i] * share;
        if (m.segments) {
          const own = m.segments[place(m, u, v)];
          const right = across((x + 1.5) / w), below = down((y + 1.5) / h);
          if ((right < 1 && m.segments[place(m, right, v)] !== own)
              || (below < 1 && m.segments[place(m, u, below)] !== own))
            for (let i = 0; i < 3; i++) p[k + i] = (p[k + i] * 2 + 255 * 3) / 5;
        }
      }
      c.putImageData(pixels, 0, 0);
    }
    function where(u, v, row, column) {
      if (!axes) return `row ${row}, column ${column}`;
      const f = axes.frequencies, at = (1 - v) * (f.length - 1);
      const i = Math.min(Math.max(Math.floor(at), 0), f.length - 2);
      const hertz = f[i] + (f[i + 1] - f[i]) * (at - i);
      const time = Math.max(axes.from + u * (axes.to - axes.from), axes.begin);
      const shown = time > axes.end + .005 ? "repeated" : `${time.toFixed(2)} s`;
      return `${shown}, ${+hertz.toPrecision(2)} Hz`;
    }
    const image = new Image(), slider = document.getElementById("opacity");
    function drawAll() {
      document.getElementById("shown").value = slider.value + " %";
      for (const m of maps) draw(m, image, slider.value / 100);
    }
    image.onload = drawAll;
    image.src = picture;
    slider.oninput = drawAll;
    for (const m of maps) {
      const value = m.canvas.parentElement.nextElementSibling;
      m.canvas.onmousemove = event => {
        const box = m.canvas.getBoundingClientRect();
        const u = across((event.clientX - box.left) / box.width);
        const v = down((event.clientY - box.top) / box.height);
        if (!isSeen(u, v)) {
          value.textContent = "outside of what the network sees";
          return;
        }
        const at = place(m, u, v);
        value.textContent = where(u, v, Math.floor(at / m.columns), at % m.columns) + ": "
          + m.values[at].toPrecision(4) + (m.segments ? ` (segment ${m.segments[at]})` : "");
      };
      m.canvas.onmouseleave = () => { value.innerHTML = "&nbsp;"; };
    }

    """
}

/// The numbers as 32-bit little-endian floating-point numbers.
private func base64(_ map: Tensor) -> String {
  Base64.encode(map.scalars.flatMap { littleEndian($0.bitPattern) })
}

private func base64(_ segments: [Int32]) -> String {
  Base64.encode(segments.flatMap { littleEndian(UInt32(bitPattern: $0)) })
}

private func littleEndian(_ word: UInt32) -> [UInt8] {
  (0..<4).map { UInt8(truncatingIfNeeded: word >> (8 * UInt32($0))) }
}
