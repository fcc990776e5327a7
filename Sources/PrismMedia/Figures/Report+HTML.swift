internal import PrismFiles
internal import PrismTensor

extension Report {
  /// The report as an HTML page that needs no other file.
  ///
  /// - Throws: `ImageError` where a picture cannot be encoded.
  public func html() throws(ImageError) -> String {
    var page = """
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
    for section in sections {
      page += "<section>\n"
      if !section.title.isEmpty { page += "<h2>\(section.title.escapedForHTML)</h2>\n" }
      for block in section.blocks { page += try html(of: block, in: section) }
      page += "</section>\n"
    }
    return page + "</main>\n</body>\n</html>\n"
  }

  private func html(of block: Block, in section: Section) throws(ImageError) -> String {
    switch block {
    case .lead(let text): return "<p class=\"lead\">\(text.escapedForHTML)</p>\n"
    case .text(let text): return "<p>\(text.escapedForHTML)</p>\n"
    case .note(let text): return "<p class=\"grey\">\(text.escapedForHTML)</p>\n"
    case .means(let means): return Self.html(of: means)
    case .table(let table): return Self.html(of: table, called: section.title)
    case .pictures(let title, let thumbnails): return try Self.html(of: thumbnails, under: title)
    }
  }

  private static func html(of means: [Mean]) -> String {
    let scale = scale(of: means)
    func percent(_ value: Double) -> String {
      let share = (value - scale.lowerBound) / (scale.upperBound - scale.lowerBound)
      return Text.decimal(100 * min(max(share, 0), 1), decimals: 2)
    }
    var page = "<div class=\"means\" role=\"list\">\n"
    for mean in means {
      let kind = (mean.isReference ? " reference" : "") + (mean.isStrong ? " strong" : "")
      page += "<div class=\"mean\(kind)\" role=\"listitem\">"
      page += "<span>\(mean.name.escapedForHTML)</span><span class=\"track\" aria-hidden=\"true\">"
      if let interval = mean.interval {
        page += "<i style=\"left:\(percent(interval.lowerBound))%;"
        page += "right:calc(100% - \(percent(interval.upperBound))%)\"></i>"
      }
      page += "<b style=\"left:\(percent(mean.value))%\"></b></span>"
      page += "<span class=\"number\">\(mean.text.escapedForHTML)</span></div>\n"
    }
    return page + "</div>\n"
  }

  private static func html(of table: Table, called name: String) -> String {
    var page = "<div class=\"scroll\" tabindex=\"0\" role=\"region\" "
    page += "aria-label=\"\(name.escapedForHTML)\"><table>\n<tr>"
    page += table.header.map { "<th>\($0.escapedForHTML)</th>" }.joined() + "</tr>\n"
    for row in table.rows {
      page += "<tr>" + row.map { "<td>\($0.escapedForHTML)</td>" }.joined() + "</tr>\n"
    }
    return page + "</table></div>\n"
  }

  private static func html(
    of thumbnails: [Thumbnail], under title: String
  ) throws(ImageError) -> String {
    var page = title.isEmpty ? "" : "<h3>\(title.escapedForHTML)</h3>\n"
    page += "<div class=\"pictures\">\n"
    for thumbnail in thumbnails {
      let image = thumbnail.image
      let extents = "width=\"\(image.width)\" height=\"\(image.height)\""
      let source = "data:image/png;base64," + Base64.encode(try image.pngData())
      let text = thumbnail.captions.joined(separator: ", ")
      page += "<figure><div class=\"panel\"><img src=\"\(source)\" \(extents) "
      page += "alt=\"\(text.escapedForHTML)\">"
      if let outline = thumbnail.outline {
        let path = Outline(of: outline, in: thumbnail.area)
          .path(width: image.width, height: image.height)
        page += "<svg \(extents) viewBox=\"0 0 \(image.width) \(image.height)\">"
        page += "<path d=\"\(path)\" class=\"rim\"/><path d=\"\(path)\" class=\"line\"/></svg>"
      }
      page += "</div><figcaption>"
      page += thumbnail.captions.map { "<div>\($0.escapedForHTML)</div>" }.joined()
      page += "</figcaption></figure>\n"
    }
    return page + "</div>\n"
  }

  private static let style = """

    :root { --ink: #1b1f24; --grey: #57606a; --line: #b4bac2; --ground: #fff; --tint: #f2f4f7;
      --mark: #2f5d9f; }
    @media (prefers-color-scheme: dark) {
      :root { --ink: #e6e8eb; --grey: #9aa4af; --line: #4a525c; --ground: #14171b; --tint: #1d2127;
        --mark: #8ab4f8; }
    }
    body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--ground);
      margin: 2rem; overflow-wrap: anywhere; }
    main { max-width: 76rem; }
    h1 { font-size: 1.5rem; margin: 0 0 .2rem; line-height: 1.25; }
    h2 { font-size: 1.15rem; margin: 2.2rem 0 .5rem; }
    h3 { font-size: 1rem; margin: 1.2rem 0 .4rem; }
    p { margin: .3rem 0; max-width: 48rem; } .grey { color: var(--grey); }
    .lead { font-size: 1.1rem; background: var(--tint); border-left: 4px solid var(--mark);
      padding: .7rem 1rem; margin: 1rem 0; }
    .means { display: grid; gap: .15rem 1rem; margin: .6rem 0;
      grid-template-columns: max-content minmax(8rem, 26rem) max-content; align-items: center; }
    .mean { display: contents; } .strong { font-weight: 600; } .reference { color: var(--grey); }
    .track { position: relative; height: 1.3rem; background: var(--tint); }
    .track i { position: absolute; top: 50%; border-top: 3px solid var(--mark); opacity: .55;
      transform: translateY(-50%); }
    .track b { position: absolute; top: 50%; width: 9px; height: 9px; border-radius: 50%;
      background: var(--mark); transform: translate(-50%, -50%); }
    .reference .track i { border-color: var(--grey); } .reference .track b { background: var(--grey); }
    .number { font-variant-numeric: tabular-nums; }
    .scroll { overflow-x: auto; margin: .6rem 0; } table { border-collapse: collapse; }
    th, td { padding: .25rem 1.2rem .25rem 0; text-align: right; vertical-align: baseline;
      overflow-wrap: normal; }
    th { color: var(--grey); font-weight: 600; border-bottom: 1px solid var(--line);
      vertical-align: bottom; }
    td { font-variant-numeric: tabular-nums; }
    th:first-child, td:first-child { text-align: left; }
    td:first-child { white-space: nowrap; }
    .pictures { display: flex; flex-wrap: wrap; gap: 1rem; }
    figure { margin: 0; width: min-content; }
    .panel { position: relative; width: fit-content; }
    .panel img { display: block; outline: 1px solid var(--line); }
    .panel svg { position: absolute; inset: 0; pointer-events: none; fill: none; }
    .rim { stroke: #1b1f24; stroke-width: 3; } .line { stroke: #fff; stroke-width: 1.4; }
    figcaption { font-size: .85rem; color: var(--grey); margin-top: .2rem; }
    @media (max-width: 40rem) {
      body { margin: 1rem; }
      .means { grid-template-columns: 1fr; gap: .5rem; }
      .mean { display: grid; grid-template-columns: 1fr auto; gap: 0 .6rem; }
      .track { grid-row: 2; grid-column: 1 / -1; }
    }

    """
}
