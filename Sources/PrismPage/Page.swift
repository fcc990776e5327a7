/// The files of the page, which are part of the program.
package enum Page {
  /// A file with what it holds.
  package struct File: Sendable {
    /// The name in the address.
    package let name: String
    /// The contents.
    package let contents: [UInt8]

    fileprivate init(_ name: String, _ contents: [UInt8]) {
      self.name = name
      self.contents = contents
    }

    /// The media type.
    package var type: String {
      switch name.split(separator: ".").last {
      case "html": "text/html; charset=utf-8"
      case "css": "text/css; charset=utf-8"
      case "js": "text/javascript; charset=utf-8"
      case "svg": "image/svg+xml"
      default: "application/json"
      }
    }
  }

  /// All files; `index.html` is the page itself.
  package static var files: [File] {
    [
      File("analysis.js", PackageResources.analysis_js),
      File("api.js", PackageResources.api_js),
      File("app.js", PackageResources.app_js),
      File("archive.js", PackageResources.archive_js),
      File("base.js", PackageResources.base_js),
      File("choices.js", PackageResources.choices_js),
      File("collected.js", PackageResources.collected_js),
      File("colormaps.js", PackageResources.colormaps_js),
      File("compare.js", PackageResources.compare_js),
      File("describe.js", PackageResources.describe_js),
      File("details.js", PackageResources.details_js),
      File("dom.js", PackageResources.dom_js),
      File("icon.svg", PackageResources.icon_svg),
      File("icons.js", PackageResources.icons_js),
      File("index.html", PackageResources.index_html),
      File("intake.js", PackageResources.intake_js),
      File("keys.js", PackageResources.keys_js),
      File("maps.js", PackageResources.maps_js),
      File("media.js", PackageResources.media_js),
      File("muting.js", PackageResources.muting_js),
      File("npy.js", PackageResources.npy_js),
      File("openapi.json", PackageResources.openapi_json),
      File("page.css", PackageResources.page_css),
      File("painting.js", PackageResources.painting_js),
      File("picture.js", PackageResources.picture_js),
      File("player.js", PackageResources.player_js),
      File("progress.js", PackageResources.progress_js),
      File("saved.js", PackageResources.saved_js),
      File("settings.js", PackageResources.settings_js),
      File("sound-signal.js", PackageResources.sound_signal_js),
      File("sound.css", PackageResources.sound_css),
      File("sound.js", PackageResources.sound_js),
      File("strip.js", PackageResources.strip_js),
      File("tables.js", PackageResources.tables_js),
      File("texts-de.js", PackageResources.texts_de_js),
      File("texts-en.js", PackageResources.texts_en_js),
      File("texts-languages.js", PackageResources.texts_languages_js),
      File("texts.js", PackageResources.texts_js),
      File("toolbar.js", PackageResources.toolbar_js),
      File("views.js", PackageResources.views_js),
      File("whatif.js", PackageResources.whatif_js),
    ]
  }

  /// The description of the interface, OpenAPI 3.1.
  package static var description: [UInt8] { PackageResources.openapi_json }
}
