// The files of the page as bytes of the program: one part here and one line in the list below for each.

#include "CPage.h"

// Of C23, and long understood.
#pragma clang diagnostic ignored "-Wc23-extensions"

static const unsigned char index_html[] = {
#embed "../PrismPage/Files/index.html"
};
static const unsigned char analysis_js[] = {
#embed "../PrismPage/Files/analysis.js"
};
static const unsigned char api_js[] = {
#embed "../PrismPage/Files/api.js"
};
static const unsigned char app_js[] = {
#embed "../PrismPage/Files/app.js"
};
static const unsigned char archive_js[] = {
#embed "../PrismPage/Files/archive.js"
};
static const unsigned char base_js[] = {
#embed "../PrismPage/Files/base.js"
};
static const unsigned char choices_js[] = {
#embed "../PrismPage/Files/choices.js"
};
static const unsigned char collected_js[] = {
#embed "../PrismPage/Files/collected.js"
};
static const unsigned char colormaps_js[] = {
#embed "../PrismPage/Files/colormaps.js"
};
static const unsigned char compare_js[] = {
#embed "../PrismPage/Files/compare.js"
};
static const unsigned char describe_js[] = {
#embed "../PrismPage/Files/describe.js"
};
static const unsigned char details_js[] = {
#embed "../PrismPage/Files/details.js"
};
static const unsigned char dom_js[] = {
#embed "../PrismPage/Files/dom.js"
};
static const unsigned char icon_svg[] = {
#embed "../PrismPage/Files/icon.svg"
};
static const unsigned char icons_js[] = {
#embed "../PrismPage/Files/icons.js"
};
static const unsigned char intake_js[] = {
#embed "../PrismPage/Files/intake.js"
};
static const unsigned char keys_js[] = {
#embed "../PrismPage/Files/keys.js"
};
static const unsigned char maps_js[] = {
#embed "../PrismPage/Files/maps.js"
};
static const unsigned char media_js[] = {
#embed "../PrismPage/Files/media.js"
};
static const unsigned char muting_js[] = {
#embed "../PrismPage/Files/muting.js"
};
static const unsigned char npy_js[] = {
#embed "../PrismPage/Files/npy.js"
};
static const unsigned char page_css[] = {
#embed "../PrismPage/Files/page.css"
};
static const unsigned char painting_js[] = {
#embed "../PrismPage/Files/painting.js"
};
static const unsigned char picture_js[] = {
#embed "../PrismPage/Files/picture.js"
};
static const unsigned char player_js[] = {
#embed "../PrismPage/Files/player.js"
};
static const unsigned char progress_js[] = {
#embed "../PrismPage/Files/progress.js"
};
static const unsigned char saved_js[] = {
#embed "../PrismPage/Files/saved.js"
};
static const unsigned char settings_js[] = {
#embed "../PrismPage/Files/settings.js"
};
static const unsigned char sound_signal_js[] = {
#embed "../PrismPage/Files/sound-signal.js"
};
static const unsigned char sound_css[] = {
#embed "../PrismPage/Files/sound.css"
};
static const unsigned char sound_js[] = {
#embed "../PrismPage/Files/sound.js"
};
static const unsigned char strip_js[] = {
#embed "../PrismPage/Files/strip.js"
};
static const unsigned char tables_js[] = {
#embed "../PrismPage/Files/tables.js"
};
static const unsigned char texts_de_js[] = {
#embed "../PrismPage/Files/texts-de.js"
};
static const unsigned char texts_en_js[] = {
#embed "../PrismPage/Files/texts-en.js"
};
static const unsigned char texts_languages_js[] = {
#embed "../PrismPage/Files/texts-languages.js"
};
static const unsigned char texts_js[] = {
#embed "../PrismPage/Files/texts.js"
};
static const unsigned char toolbar_js[] = {
#embed "../PrismPage/Files/toolbar.js"
};
static const unsigned char views_js[] = {
#embed "../PrismPage/Files/views.js"
};
static const unsigned char whatif_js[] = {
#embed "../PrismPage/Files/whatif.js"
};
static const unsigned char openapi_json[] = {
#embed "../PrismPage/Files/openapi.json"
};

#define FILE_OF(name, bytes) {name, bytes, sizeof bytes}

static const struct page_file files[] = {
  FILE_OF("index.html", index_html),
  FILE_OF("analysis.js", analysis_js),
  FILE_OF("api.js", api_js),
  FILE_OF("app.js", app_js),
  FILE_OF("archive.js", archive_js),
  FILE_OF("base.js", base_js),
  FILE_OF("choices.js", choices_js),
  FILE_OF("collected.js", collected_js),
  FILE_OF("colormaps.js", colormaps_js),
  FILE_OF("compare.js", compare_js),
  FILE_OF("describe.js", describe_js),
  FILE_OF("details.js", details_js),
  FILE_OF("dom.js", dom_js),
  FILE_OF("icon.svg", icon_svg),
  FILE_OF("icons.js", icons_js),
  FILE_OF("intake.js", intake_js),
  FILE_OF("keys.js", keys_js),
  FILE_OF("maps.js", maps_js),
  FILE_OF("media.js", media_js),
  FILE_OF("muting.js", muting_js),
  FILE_OF("npy.js", npy_js),
  FILE_OF("page.css", page_css),
  FILE_OF("painting.js", painting_js),
  FILE_OF("picture.js", picture_js),
  FILE_OF("player.js", player_js),
  FILE_OF("progress.js", progress_js),
  FILE_OF("saved.js", saved_js),
  FILE_OF("settings.js", settings_js),
  FILE_OF("sound-signal.js", sound_signal_js),
  FILE_OF("sound.css", sound_css),
  FILE_OF("sound.js", sound_js),
  FILE_OF("strip.js", strip_js),
  FILE_OF("tables.js", tables_js),
  FILE_OF("texts-de.js", texts_de_js),
  FILE_OF("texts-en.js", texts_en_js),
  FILE_OF("texts-languages.js", texts_languages_js),
  FILE_OF("texts.js", texts_js),
  FILE_OF("toolbar.js", toolbar_js),
  FILE_OF("views.js", views_js),
  FILE_OF("whatif.js", whatif_js),
  FILE_OF("openapi.json", openapi_json),
};

size_t page_file_count(void) { return sizeof files / sizeof files[0]; }

struct page_file page_file_at(size_t index) { return files[index]; }
