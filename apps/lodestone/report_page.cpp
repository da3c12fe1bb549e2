#include "report_page.hpp"

#include <fmt/format.h>

#include <cmath>

#include "base/html.hpp"

namespace lodestone::app {
namespace {

constexpr std::string_view kStyle =
    ":root{color-scheme:light "
    "dark;--paper:#fcfcfb;--ink:#1c1f23;--soft:#5b6168;--line:#dcdedb;--head:#f1f2ef;--bar:#86b6ef;--best:#256abf;"
    "--mark:#1c1f23}\n"
    "@media(prefers-color-scheme:dark){:root{--paper:#17191b;--ink:#eceeea;--soft:#a3a9ad;--line:#33373a;--head:#212427;--bar:#"
    "2f5f97;"
    "--best:#6da7ec;--mark:#eceeea}}\n"
    "*{box-sizing:border-box}body{margin:0 auto;max-width:76rem;padding:2.5rem 1.5rem "
    "4rem;background:var(--paper);color:var(--ink);"
    "font:16px/1.55 system-ui,-apple-system,'Segoe UI',Roboto,'Noto Sans','Noto Sans CJK SC',sans-serif}\n"
    "h1{font-size:1.75rem;line-height:1.2;margin:0 0 .25rem}h2{font-size:1.2rem;margin:2.5rem 0 "
    ".75rem}.sub{color:var(--soft);margin:0 0 .5rem}\n"
    ".protocol{margin:1.25rem 0 0;padding:0 0 0 1.1rem;max-width:60rem}.protocol li{margin:.15rem 0}\n"
    ".charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,30rem),1fr));gap:1.75rem 2.5rem}\n"
    "figure{margin:0;break-inside:avoid}figcaption{font-weight:600;margin-bottom:.35rem}figcaption "
    "span{font-weight:400;color:var(--soft)}\n"
    "svg{display:block;width:100%;height:auto}svg text{font:13px system-ui,-apple-system,'Segoe "
    "UI',Roboto,sans-serif;fill:var(--ink);"
    "font-variant-numeric:tabular-nums}svg .axis{fill:var(--soft);font-size:12px}.grid{stroke:var(--line)}.bar{fill:var(--bar)}"
    ".bar.best{fill:var(--best)}.whisker{stroke:var(--mark);stroke-width:1.5;fill:none}svg .best-text{font-weight:600}\n"
    ".scroll{overflow-x:auto}table{border-collapse:collapse;width:100%;font-size:.875rem}caption{text-align:left;color:var(--"
    "soft);"
    "padding:0 0 .4rem}th,td{padding:.45rem .7rem;border-bottom:1px solid var(--line);text-align:left;vertical-align:top}"
    "thead th{background:var(--head);white-space:nowrap}tbody th{font-weight:600;white-space:nowrap}"
    ".n{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}.n small{color:var(--soft);font-size:.85em}"
    ".best-cell{font-weight:700}.wide{min-width:20rem;color:var(--soft)}\n"
    ".dot{fill:var(--bar);stroke:var(--best);stroke-width:1.5}.dot.best{fill:var(--best)}.front{stroke:var(--best);stroke-width:"
    "1.5;"
    "fill:none}.even{stroke:var(--soft);stroke-dasharray:4 4}\n"
    "@media "
    "print{:root{color-scheme:light;--paper:#fff;--ink:#000;--soft:#444;--line:#bbb;--head:#eee;--bar:#9bb8d9;--best:#1d5aa6;--"
    "mark:#000}"
    "body{max-width:none;padding:0;font-size:11pt}.charts{grid-template-columns:1fr 1fr}.scroll{overflow:visible}"
    ".bar,.dot,thead th{-webkit-print-color-adjust:exact;print-color-adjust:exact}tr{break-inside:avoid}}\n";

}  // namespace

std::string open_report_page(std::string_view title, std::string_view heading, std::string_view below) {
  return fmt::format(
      "<!doctype html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><meta name=\"viewport\" "
      "content=\"width=device-width,initial-scale=1\">"
      "<title>{}</title>\n<style>\n{}</style></head>\n<body>\n<main>\n<h1>{}</h1>\n<p class=\"sub\">{}</p>\n",
      escape_html(title), kStyle, escape_html(heading), escape_html(below));
}

std::string close_report_page() { return "</main>\n</body>\n</html>\n"; }

double axis_step(double most) {
  const double power = std::pow(10, std::floor(std::log10(most / 5)));
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (most / (factor * power) <= 5) return factor * power;
  }
  return 10 * power;
}

std::string short_label(const std::string& name) {
  constexpr std::size_t kFits = 19;
  if (name.size() <= kFits) return name;
  std::size_t end = kFits - 1;
  while (end > 0 && (static_cast<unsigned char>(name[end]) & 0xC0U) == 0x80U) --end;  // never inside a character
  return name.substr(0, end) + "…";
}

}  // namespace lodestone::app
