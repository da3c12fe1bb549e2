// The words of the page in English and Chinese. `{name}` is replaced by the argument of that name.

const en = {
  skip: "Skip to content",
  searchLabel: "Search data sets",
  searchHint: "Search data sets, in English or 中文",
  searchResults: "Search results",
  searchKeys: "↑ ↓ choose · Enter open · Esc close",
  searchPopular: "Popular data sets",
  searching: "Searching…",
  searchCount: "Best matches for “{q}” ({n})",
  searchNone: "No data set matches “{q}”. Try a shorter or more general word.",
  searchTitle: "Results for “{q}”",
  searchTitleAll: "Popular data sets",
  searchSub: "Best match first.",
  userLabel: "View as",
  guest: "Guest",
  user: "User {id}",
  aGuest: "a guest",
  homeTitle: "Find the data set next to the one you know",
  homeText:
    "Search {n} data sets, open one, and see what Lodestone would show beside it, with the reason for every card.",
  homeTextPlain:
    "Search a data set, open one, and see what Lodestone would show beside it, with the reason for every card.",
  backHome: "Start page",
  forYou: "For you",
  forYouGuest:
    "A guest has no history yet, so these are the popular data sets. Choose a user above to see the list change.",
  forYouUser: "User {id} looked at these last:",
  forYouNoHistory: "No visit of user {id} is among the samples.",
  trending: "Trending",
  trendingSub: "Most visited in the last {time}.",
  time1h: "hour",
  time24h: "24 hours",
  time7d: "7 days",
  similar: "Similar data sets",
  similarSub: "The same for every visitor.",
  hereFor: "Recommended here for {who}",
  hereSubUser: "Takes into account what this user did before.",
  hereSubGuest: "For a visitor without a history.",
  dataSet: "Data set {id}",
  free: "Free",
  score: "Score {score}",
  scoreTip:
    "How strongly the engine recommends this data set here: {score}. The bar compares it with the first of the list.",
  reasons: "Reasons",
  made: "Algorithm {algorithm}, variant {variant}",
  loadingFor: "Loading the recommendations…",
  loadingSimilar: "Looking for similar data sets…",
  loadingTrending: "Loading what is trending…",
  loadingItem: "Loading the data set…",
  emptyFor: "Nothing to recommend yet. Visits or orders are needed first.",
  emptySimilar: "No data set is similar enough to be shown.",
  emptyTrending: "Nobody visited a data set in the last {time}. Try a longer time.",
  listReady: "{n} data sets loaded: {title}.",
  retry: "Try again",
  parameter: "Parameter: {parameter}",
  requestIs: "Request {id}",
  noAnswerTitle: "No answer from the server",
  noAnswer: "The server could not be reached. Check that Lodestone is running, then try again.",
  badAnswerTitle: "Unexpected answer",
  badAnswer: "The server answered with status {status} and a body that is no JSON. Look at the log of Lodestone.",
  simulated: "Visits are simulated over real catalogues",
  catalogues: "Catalogues:",
  legendTitle: "What the reasons mean",
  footLabel: "About the last answer",
  lastCall: "Last call",
  responseTime: "Response time",
  requestId: "Request id",
  bundle: "Bundle",
  apiDocs: "API reference",
  rankIn: "Here it ranks {rank} in this channel, with a score of {score}.",
  rankOnly: "Here it ranks {rank} in this channel.",
  behavior: "behaviour",
  behaviorTip: "People who looked at or bought the one also looked at or bought the other.",
  content: "content",
  contentTip: "Title, tags and description speak of the same things.",
  vector: "vector",
  vectorTip: "The two lie close together in the space of learned vectors.",
  popular: "popular",
  popularTip: "Many people look at it or buy it.",
  tag: "tag",
  tagTip: "They share tags.",
  category: "category",
  categoryTip: "They are in the same category.",
  price: "price",
  priceTip: "The price is in the same range.",
  usercf: "like-minded",
  usercfTip: "People with a similar history liked it.",
  exploration: "exploration",
  explorationTip: "Shown to learn whether people like it, as little is known about it.",
  sequence: "sequence",
  sequenceTip: "People often come to it next after what was looked at last.",
  trendingTip: "It is visited more than usual at the moment.",
  new: "new",
  newTip: "It was added to the catalogue recently.",
  fallback: "fallback",
  fallbackTip: "The usual channels had no answer in time, so a prepared list was used.",
  fallbackSource: "The list: {source}.",
  otherTip: "Given by the channel {name}.",
} as const;

export type Word = keyof typeof en;
export type Language = "en" | "zh";

const zh: Record<Word, string> = {
  skip: "跳到正文",
  searchLabel: "搜索数据集",
  searchHint: "搜索数据集，中文或 English 均可",
  searchResults: "搜索结果",
  searchKeys: "↑ ↓ 选择 · Enter 打开 · Esc 关闭",
  searchPopular: "热门数据集",
  searching: "正在搜索…",
  searchCount: "“{q}”的最佳匹配（{n}）",
  searchNone: "没有与“{q}”相符的数据集，请换一个更短或更宽泛的词。",
  searchTitle: "“{q}”的搜索结果",
  searchTitleAll: "热门数据集",
  searchSub: "最相符的排在最前。",
  userLabel: "查看身份",
  guest: "访客",
  user: "用户 {id}",
  aGuest: "访客",
  homeTitle: "从已知的数据集，找到相邻的数据集",
  homeText: "在 {n} 个数据集中搜索，打开任意一个，看看 Lodestone 会在旁边推荐什么，每张卡片都附有理由。",
  homeTextPlain: "搜索并打开任意一个数据集，看看 Lodestone 会在旁边推荐什么，每张卡片都附有理由。",
  backHome: "首页",
  forYou: "为你推荐",
  forYouGuest: "访客还没有历史记录，这里显示的是热门数据集。在上方选择一位用户，列表会随之变化。",
  forYouUser: "用户 {id} 最近看过：",
  forYouNoHistory: "示例中没有用户 {id} 的访问记录。",
  trending: "热门趋势",
  trendingSub: "最近{time}访问最多。",
  time1h: " 1 小时",
  time24h: " 24 小时",
  time7d: " 7 天",
  similar: "相似数据集",
  similarSub: "对所有访问者都相同。",
  hereFor: "在此推荐给{who}",
  hereSubUser: "考虑了该用户以往的行为。",
  hereSubGuest: "面向没有历史记录的访问者。",
  dataSet: "数据集 {id}",
  free: "免费",
  score: "得分 {score}",
  scoreTip: "引擎在此处推荐该数据集的强度：{score}。条形以列表第一项为基准。",
  reasons: "推荐理由",
  made: "算法 {algorithm}，版本 {variant}",
  loadingFor: "正在加载推荐…",
  loadingSimilar: "正在查找相似数据集…",
  loadingTrending: "正在加载热门趋势…",
  loadingItem: "正在加载数据集…",
  emptyFor: "暂时没有可推荐的内容，需要先有访问或订单。",
  emptySimilar: "没有足够相似的数据集。",
  emptyTrending: "最近{time}没有人访问数据集，请选择更长的时间。",
  listReady: "{title}：已加载 {n} 个数据集。",
  retry: "重试",
  parameter: "参数：{parameter}",
  requestIs: "请求 {id}",
  noAnswerTitle: "服务器没有应答",
  noAnswer: "无法连接服务器。请确认 Lodestone 正在运行，然后重试。",
  badAnswerTitle: "意外的应答",
  badAnswer: "服务器返回状态 {status}，内容不是 JSON。请查看 Lodestone 的日志。",
  simulated: "访问记录是在真实数据目录上模拟生成的",
  catalogues: "数据目录：",
  legendTitle: "推荐理由的含义",
  footLabel: "最近一次应答",
  lastCall: "最近调用",
  responseTime: "响应时间",
  requestId: "请求编号",
  bundle: "模型包",
  apiDocs: "接口文档",
  rankIn: "在该通道中排第 {rank}，得分 {score}。",
  rankOnly: "在该通道中排第 {rank}。",
  behavior: "行为",
  behaviorTip: "看过或买过其中一个的人，也看过或买过另一个。",
  content: "内容",
  contentTip: "标题、标签和描述谈的是相同的事物。",
  vector: "向量",
  vectorTip: "两者在学到的向量空间中相距很近。",
  popular: "热门",
  popularTip: "很多人看过或买过。",
  tag: "标签",
  tagTip: "两者有相同的标签。",
  category: "类别",
  categoryTip: "两者属于同一类别。",
  price: "价格",
  priceTip: "价格处于同一区间。",
  usercf: "相近用户",
  usercfTip: "历史相近的用户喜欢它。",
  exploration: "探索",
  explorationTip: "目前了解不多，展示它是为了知道人们是否喜欢。",
  sequence: "序列",
  sequenceTip: "看过最近这些内容的人，接下来常会看它。",
  trendingTip: "眼下的访问量高于平时。",
  new: "新增",
  newTip: "最近才加入目录。",
  fallback: "备用",
  fallbackTip: "常规通道未能及时给出结果，因此使用了预先准备的列表。",
  fallbackSource: "列表：{source}。",
  otherTip: "由通道 {name} 给出。",
};

const kStorageKey = "lodestone.language";
const kWords: Record<Language, Record<Word, string>> = { en, zh };

let language: Language = savedLanguage();

function savedLanguage(): Language {
  try {
    return localStorage.getItem(kStorageKey) === "zh" ? "zh" : "en";
  } catch {
    return "en"; // Storage is switched off: the page starts in English every time.
  }
}

export function currentLanguage(): Language {
  return language;
}

export function setLanguage(next: Language): void {
  language = next;
  try {
    localStorage.setItem(kStorageKey, next);
  } catch {
    // Storage is switched off: the choice lasts until the page is left.
  }
}

/** The sentence for `word` in the current language. */
export function t(word: Word, values: Record<string, string | number> = {}): string {
  return kWords[language][word].replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}

export function isWord(name: string): name is Word {
  return Object.prototype.hasOwnProperty.call(en, name);
}

/** Writes the static texts of index.html: `data-i18n` is the text, `-label` the aria-label, `-placeholder` the hint. */
export function translatePage(): void {
  document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
  for (const element of document.querySelectorAll<HTMLElement>("[data-i18n]")) {
    const word = element.dataset["i18n"] ?? "";
    if (isWord(word)) element.textContent = t(word);
  }
  for (const element of document.querySelectorAll<HTMLElement>("[data-i18n-label]")) {
    const word = element.dataset["i18nLabel"] ?? "";
    if (isWord(word)) element.setAttribute("aria-label", t(word));
  }
  for (const element of document.querySelectorAll<HTMLElement>("[data-i18n-placeholder]")) {
    const word = element.dataset["i18nPlaceholder"] ?? "";
    if (isWord(word)) element.setAttribute("placeholder", t(word));
  }
}
