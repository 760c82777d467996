/* main.cpp - a stranger's C++ program: traces one span with the installed library, and takes it out of memory. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <divak/divak.h>

#include <cstdio>
#include <memory>
#include <string>
#include <string_view>

int main() {
    using namespace std::string_view_literals;
    std::unique_ptr<divak_config, decltype(&divak_config_destroy)> config(divak_config_create_without_environment(),
                                                                          divak_config_destroy);
    divak_memory_reporter *memory = nullptr;
    divak_tracer *tracer = nullptr;
    if (divak_config_add_memory_reporter(config.get(), &memory) != DIVAK_OK ||
        divak_tracer_create(config.get(), &tracer) != DIVAK_OK) {
        std::fprintf(stderr, "%s\n", divak_config_error(config.get()));
        return 1;
    }

    divak_span span;
    auto name = "buy"sv;
    divak_span_start(tracer, name.data(), name.size(), DIVAK_KIND_SERVER, &divak_no_parent, &span);
    divak_span_tag_int(&span, "count", 5, 42);
    divak_span_finish(&span);
    int status = divak_tracer_flush(tracer, 5000, nullptr);

    std::size_t length = 0;
    std::unique_ptr<char, decltype(&divak_free)> json(divak_memory_reporter_take(memory, &length), divak_free);
    std::string sent(json ? json.get() : "", length);
    divak_tracer_shutdown(tracer, 5000, nullptr);
    divak_memory_reporter_destroy(memory);

    std::printf("Divak %s from C++, %zu bytes in memory: %s\n", divak_version(), length, divak_status_text(status));
    bool is_sent = sent.find("\"name\":\"buy\"") != sent.npos && sent.find("\"count\":\"42\"") != sent.npos;
    bool is_version = divak_version() == std::string_view(EXPECTED_VERSION) && DIVAK_VERSION ""sv == EXPECTED_VERSION;
    return status == DIVAK_OK && is_sent && is_version ? 0 : 1;
}
