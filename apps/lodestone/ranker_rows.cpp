#include "ranker_rows.hpp"

#include <algorithm>

#include "base/thread_pool.hpp"
#include "engine/ranking.hpp"

namespace lodestone::app {
namespace {

constexpr float kViewGrade = 1;
constexpr float kOrderGrade = 2;

}  // namespace

/// Some pages at a time, so that not all of them lie in memory twice.
LabelledRows RowMaker::make(const std::vector<RowCase>& cases) const {
  constexpr std::size_t kPages = 256;
  LabelledRows all;
  std::vector<LabelledRows> parts;
  for (std::size_t first = 0; first < cases.size(); first += kPages) {
    const std::size_t n = std::min(kPages, cases.size() - first);
    parts.assign(n, {});
    parallel_for(n, 16, threads_, [&](std::size_t begin, std::size_t end, int) {
      engine::Scratch scratch;
      engine::Page page;
      for (std::size_t c = begin; c < end; ++c) {
        const RowCase& one = cases[first + c];
        one.shown.empty() ? make_one(one.page, scratch, page, parts[c]) : make_shown(one, scratch, page, parts[c]);
      }
    });
    for (const LabelledRows& part : parts) {
      if (part.labels.empty()) continue;
      all.values.insert(all.values.end(), part.values.begin(), part.values.end());
      all.labels.insert(all.labels.end(), part.labels.begin(), part.labels.end());
      all.positions.insert(all.positions.end(), part.positions.begin(), part.positions.end());
      all.groups.push_back(all.labels.size());
    }
  }
  return all;
}

void RowMaker::make_one(const PageCase& page_case, engine::Scratch& scratch, engine::Page& page, LabelledRows& out) const {
  engine::PageRequest request = page_case.request;
  request.weights = &weights_;
  request.limit = depth_;
  features::set_time(page_case.at, request.values);
  engine::make_candidate_rows(release_, request, vectorizer_, depth_, scratch, page);
  bool any = false;
  for (const std::uint64_t key : scratch.pool) {
    out.labels.push_back(grade(page_case, engine::key_item(key)));
    any = any || out.labels.back() > 0;
  }
  if (!any) return out.labels.clear();
  out.values.assign(scratch.rows.begin(),
                    scratch.rows.begin() + static_cast<std::ptrdiff_t>(scratch.pool.size() * vectorizer_.n_columns()));
}

/// Rows of what was shown, as far as recall still gives it, and of as many other candidates from all of the page's list, which count as if they had stood
/// last and been left: a ranker that has seen only what an earlier one chose puts things on top that it would never have chosen, and its own measure
/// would not show it.
void RowMaker::make_shown(const RowCase& row_case, engine::Scratch& scratch, engine::Page& page, LabelledRows& out) const {
  engine::PageRequest request = row_case.page.request;
  request.weights = &weights_;
  request.limit = depth_;
  features::set_time(row_case.page.at, request.values);
  engine::make_candidate_rows(release_, request, vectorizer_, engine::kRankDepth, scratch, page);
  std::int32_t last = 0;
  for (const events::RankingSample& sample : row_case.shown) last = std::max(last, sample.position);
  // Rows stay in the order of the list, which is recall's, or recall would be judged by another one.
  std::vector<const events::RankingSample*> shown(scratch.pool.size(), nullptr);
  std::vector<std::size_t> others;
  bool any = false;
  for (std::size_t r = 0; r < scratch.pool.size(); ++r) {
    const ItemId id = release_.catalog.id(engine::key_item(scratch.pool[r]));
    const auto found = std::find_if(row_case.shown.begin(), row_case.shown.end(), [&](const auto& s) { return s.item == id; });
    if (found == row_case.shown.end()) {
      others.push_back(r);
    } else {
      shown[r] = &*found;
      any = any || found->grade != events::Grade::kNone;
    }
  }
  if (!any) return;
  const std::size_t n_others = std::min(scratch.pool.size() - others.size(), others.size());
  std::vector<bool> is_taken(scratch.pool.size(), false);
  for (std::size_t k = 0; k < n_others; ++k) is_taken[others[k * others.size() / n_others]] = true;
  const std::size_t n_columns = vectorizer_.n_columns();
  for (std::size_t r = 0; r < scratch.pool.size(); ++r) {
    if (shown[r] == nullptr && !is_taken[r]) continue;
    out.labels.push_back(shown[r] == nullptr ? 0 : static_cast<float>(shown[r]->grade));
    out.positions.push_back(shown[r] == nullptr ? last : shown[r]->position);
    const auto row = std::span(scratch.rows).subspan(r * n_columns, n_columns);
    out.values.insert(out.values.end(), row.begin(), row.end());
  }
}

float RowMaker::grade(const PageCase& page_case, ItemIndex item) const {
  if (!std::binary_search(page_case.targets.begin(), page_case.targets.end(), item)) return 0;
  if (!page_case.person) return kViewGrade;
  const auto user = std::lower_bound(users_.begin(), users_.end(), *page_case.person,
                                     [](const models::UserData& u, UserId id) { return raw(u.id) < raw(id); });
  const bool ordered =
      user != users_.end() && user->id == *page_case.person && std::binary_search(user->owned.begin(), user->owned.end(), item);
  return ordered ? kOrderGrade : kViewGrade;
}

std::vector<RowCase> cases_of_pages(const SplitRelease& split) {
  std::vector<RowCase> cases;
  for (const PageCase& page : split.user_pages()) cases.push_back({page, {}});
  for (std::size_t k = 0; k < split.item_pages().size(); ++k) {
    PageCase& added = cases.emplace_back(RowCase{split.item_pages()[k], {}}).page;
    if (!added.person || k % 2 == 0) continue;
    added.request.kind = engine::PageKind::kDetail;
    added.request.user = added.person;
  }
  return cases;
}

std::vector<RowCase> cases_of_exposures(const models::Release& release, const std::vector<events::RankingGroup>& groups) {
  std::vector<RowCase> cases;
  for (const events::RankingGroup& group : groups) {
    if (!group.user || !group.has_action() || !release.users.find(*group.user)) continue;
    RowCase& added = cases.emplace_back();
    added.page.request.kind = engine::PageKind::kUser;
    added.page.request.user = added.page.person = group.user;
    added.page.at = group.at.time_since_epoch().count();
    added.shown = group.samples;
  }
  return cases;
}

std::vector<RowCase> in_time(std::vector<RowCase> cases, std::size_t n) {
  std::stable_sort(cases.begin(), cases.end(), [](const RowCase& a, const RowCase& b) { return a.page.at < b.page.at; });
  std::vector<RowCase> kept;
  const std::size_t n_kept = std::min(n, cases.size());
  for (std::size_t k = 0; k < n_kept; ++k) kept.push_back(std::move(cases[k * cases.size() / n_kept]));
  return kept;
}

}  // namespace lodestone::app
