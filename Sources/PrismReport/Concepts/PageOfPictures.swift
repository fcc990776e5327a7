internal import Prism

/// A page of pictures in groups, which needs no other file.
struct PageOfPictures {
  /// A picture with a line under it.
  struct Cell {
    let picture: Image
    let caption: String
  }

  /// Pictures that belong together.
  struct Group {
    let title: String
    let lines: [String]
    /// Rows of pictures, each with its title.
    let rows: [(title: String, cells: [Cell])]
  }

  /// What the page is called.
  let title: String
  /// What a reader should know first.
  let lines: [String]
  /// The groups in their order.
  let groups: [Group]

  /// The page.
  ///
  /// - Throws: `ImageError` where a picture cannot be written.
  func html() throws -> String {
    var page = """
      <!DOCTYPE html>
      <html lang="en">
      <head>
      <meta charset="utf-8">
      <meta name="viewport" content="width=device-width, initial-scale=1">
      <title>\(title.escapedForHTML)</title>
      <style>
      body { font: 15px/1.4 system-ui, sans-serif; color: #1b1f24; background: #fff; margin: 2rem; }
      h1 { font-size: 1.5rem; } h2 { font-size: 1.2rem; margin: 2rem 0 .3rem; } h3 { font-size: 1rem; margin: .8rem 0 .3rem; }
      p { margin: .2rem 0; max-width: 60rem; } .grey { color: #57606a; }
      .row { display: flex; flex-wrap: wrap; gap: .6rem; } figure { margin: 0; width: 9rem; }
      img { width: 9rem; display: block; border: 1px solid #b4bac2; }
      figcaption { font-size: .8rem; color: #57606a; overflow-wrap: anywhere; }
      @media (prefers-color-scheme: dark) { body { color: #e6edf3; background: #0d1117; }
      .grey, figcaption { color: #9198a1; } img { border-color: #3d444d; } }
      </style>
      </head>
      <body>
      <main>
      <h1>\(title.escapedForHTML)</h1>

      """
    for line in lines { page += "<p class=\"grey\">\(line.escapedForHTML)</p>\n" }
    for group in groups {
      page += "<section>\n<h2>\(group.title.escapedForHTML)</h2>\n"
      for line in group.lines { page += "<p>\(line.escapedForHTML)</p>\n" }
      for row in group.rows {
        page += "<h3>\(row.title.escapedForHTML)</h3>\n<div class=\"row\">\n"
        for cell in row.cells {
          let source =
            "data:image/png;base64," + Base64.encode(try Self.shown(cell.picture).pngData())
          page += "<figure><img src=\"\(source)\" alt=\"\(cell.caption.escapedForHTML)\">"
          page += "<figcaption>\(cell.caption.escapedForHTML)</figcaption></figure>\n"
        }
        page += "</div>\n"
      }
      page += "</section>\n"
    }
    return page + "</main>\n</body>\n</html>\n"
  }

  /// The most columns that a picture is written with.
  private static let mostColumns = 192

  /// A picture that is no larger than it has to be.
  private static func shown(_ picture: Image) -> Image {
    guard picture.width > mostColumns else { return picture }
    return picture.resized(
      width: mostColumns, height: max(picture.height * mostColumns / picture.width, 1),
      method: .bilinearAntialias)
  }
}
