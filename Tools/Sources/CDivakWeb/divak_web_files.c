// divak_web_files.c - the bytes of the trace view's files, from the folder www.
// SPDX-License-Identifier: Apache-2.0
//
// #embed (C23; clang 19 has it in every mode) costs the compiler nothing, where a literal of as many numbers takes Swift
// most of a minute. A file that is added to www goes into both lists below; the tests compare them with the folder.

#include "divak_web_files.h"

#if defined(__clang__)
#pragma clang diagnostic ignored "-Wc23-extensions"
#endif

#define PAGE "text/html; charset=utf-8"
#define SCRIPT "text/javascript; charset=utf-8"
#define STYLE "text/css; charset=utf-8"
#define IMAGE "image/svg+xml"

// clang-format off
static const unsigned char index_html[] = {
#embed "www/index.html"
};
static const unsigned char mark_svg[] = {
#embed "www/mark.svg"
};
static const unsigned char app_api_js[] = {
#embed "www/app/api.js"
};
static const unsigned char app_colours_js[] = {
#embed "www/app/colours.js"
};
static const unsigned char app_dom_js[] = {
#embed "www/app/dom.js"
};
static const unsigned char app_format_js[] = {
#embed "www/app/format.js"
};
static const unsigned char app_keys_js[] = {
#embed "www/app/keys.js"
};
static const unsigned char app_live_js[] = {
#embed "www/app/live.js"
};
static const unsigned char app_local_js[] = {
#embed "www/app/local.js"
};
static const unsigned char app_main_js[] = {
#embed "www/app/main.js"
};
static const unsigned char app_messages_js[] = {
#embed "www/app/messages.js"
};
static const unsigned char app_router_js[] = {
#embed "www/app/router.js"
};
static const unsigned char app_theme_js[] = {
#embed "www/app/theme.js"
};
static const unsigned char search_first_js[] = {
#embed "www/search/first.js"
};
static const unsigned char search_form_js[] = {
#embed "www/search/form.js"
};
static const unsigned char search_list_js[] = {
#embed "www/search/list.js"
};
static const unsigned char search_page_js[] = {
#embed "www/search/page.js"
};
static const unsigned char search_query_js[] = {
#embed "www/search/query.js"
};
static const unsigned char search_scatter_js[] = {
#embed "www/search/scatter.js"
};
static const unsigned char trace_critical_js[] = {
#embed "www/trace/critical.js"
};
static const unsigned char trace_detail_js[] = {
#embed "www/trace/detail.js"
};
static const unsigned char trace_merge_js[] = {
#embed "www/trace/merge.js"
};
static const unsigned char trace_minimap_js[] = {
#embed "www/trace/minimap.js"
};
static const unsigned char trace_model_js[] = {
#embed "www/trace/model.js"
};
static const unsigned char trace_page_js[] = {
#embed "www/trace/page.js"
};
static const unsigned char trace_row_js[] = {
#embed "www/trace/row.js"
};
static const unsigned char trace_waterfall_js[] = {
#embed "www/trace/waterfall.js"
};
static const unsigned char graph_layout_js[] = {
#embed "www/graph/layout.js"
};
static const unsigned char graph_page_js[] = {
#embed "www/graph/page.js"
};
static const unsigned char graph_picture_js[] = {
#embed "www/graph/picture.js"
};
static const unsigned char style_base_css[] = {
#embed "www/style/base.css"
};
static const unsigned char style_controls_css[] = {
#embed "www/style/controls.css"
};
static const unsigned char style_detail_css[] = {
#embed "www/style/detail.css"
};
static const unsigned char style_graph_css[] = {
#embed "www/style/graph.css"
};
static const unsigned char style_search_css[] = {
#embed "www/style/search.css"
};
static const unsigned char style_trace_css[] = {
#embed "www/style/trace.css"
};
// clang-format on

#define ENTRY(path, type, name) {path, type, name, sizeof name}

static const divak_web_file files[] = {
    ENTRY("/index.html", PAGE, index_html),
    ENTRY("/assets/mark.svg", IMAGE, mark_svg),
    ENTRY("/assets/app/api.js", SCRIPT, app_api_js),
    ENTRY("/assets/app/colours.js", SCRIPT, app_colours_js),
    ENTRY("/assets/app/dom.js", SCRIPT, app_dom_js),
    ENTRY("/assets/app/format.js", SCRIPT, app_format_js),
    ENTRY("/assets/app/keys.js", SCRIPT, app_keys_js),
    ENTRY("/assets/app/live.js", SCRIPT, app_live_js),
    ENTRY("/assets/app/local.js", SCRIPT, app_local_js),
    ENTRY("/assets/app/main.js", SCRIPT, app_main_js),
    ENTRY("/assets/app/messages.js", SCRIPT, app_messages_js),
    ENTRY("/assets/app/router.js", SCRIPT, app_router_js),
    ENTRY("/assets/app/theme.js", SCRIPT, app_theme_js),
    ENTRY("/assets/search/first.js", SCRIPT, search_first_js),
    ENTRY("/assets/search/form.js", SCRIPT, search_form_js),
    ENTRY("/assets/search/list.js", SCRIPT, search_list_js),
    ENTRY("/assets/search/page.js", SCRIPT, search_page_js),
    ENTRY("/assets/search/query.js", SCRIPT, search_query_js),
    ENTRY("/assets/search/scatter.js", SCRIPT, search_scatter_js),
    ENTRY("/assets/trace/critical.js", SCRIPT, trace_critical_js),
    ENTRY("/assets/trace/detail.js", SCRIPT, trace_detail_js),
    ENTRY("/assets/trace/merge.js", SCRIPT, trace_merge_js),
    ENTRY("/assets/trace/minimap.js", SCRIPT, trace_minimap_js),
    ENTRY("/assets/trace/model.js", SCRIPT, trace_model_js),
    ENTRY("/assets/trace/page.js", SCRIPT, trace_page_js),
    ENTRY("/assets/trace/row.js", SCRIPT, trace_row_js),
    ENTRY("/assets/trace/waterfall.js", SCRIPT, trace_waterfall_js),
    ENTRY("/assets/graph/layout.js", SCRIPT, graph_layout_js),
    ENTRY("/assets/graph/page.js", SCRIPT, graph_page_js),
    ENTRY("/assets/graph/picture.js", SCRIPT, graph_picture_js),
    ENTRY("/assets/style/base.css", STYLE, style_base_css),
    ENTRY("/assets/style/controls.css", STYLE, style_controls_css),
    ENTRY("/assets/style/detail.css", STYLE, style_detail_css),
    ENTRY("/assets/style/graph.css", STYLE, style_graph_css),
    ENTRY("/assets/style/search.css", STYLE, style_search_css),
    ENTRY("/assets/style/trace.css", STYLE, style_trace_css),
};

const divak_web_file *divak_web_file_at(size_t index) {
    return index < sizeof files / sizeof *files ? &files[index] : NULL;
}
