#include "simulation/vocabulary.hpp"

namespace lodestone::simulation {
namespace {

constexpr Term kWeather[] = {{"气温", "air temperature"},    {"降水量", "rainfall"},  {"风速风向", "wind"},
                             {"台风路径", "typhoon tracks"}, {"湿度", "humidity"},    {"辐射", "radiation"},
                             {"雷达回波", "weather radar"},  {"能见度", "visibility"}};
constexpr Term kAir[] = {{"空气质量", "air quality"},     {"细颗粒物", "fine particles"}, {"臭氧", "ozone"},
                         {"污染源", "pollution sources"}, {"碳排放", "carbon emission"},  {"水质", "water quality"},
                         {"噪声", "noise levels"},        {"固体废物", "solid waste"}};
constexpr Term kFinance[] = {{"股票行情", "stock quotes"},   {"基金净值", "fund values"},       {"债券收益率", "bond yields"},
                             {"汇率", "exchange rates"},     {"期货持仓", "futures positions"}, {"财务报表", "balance sheets"},
                             {"信用评级", "credit ratings"}, {"宏观指标", "macro indicators"}};
constexpr Term kTraffic[] = {{"道路拥堵", "road congestion"},
                             {"地铁客流", "metro passengers"},
                             {"公交线路", "bus lines"},
                             {"车辆轨迹", "vehicle traces"},
                             {"航班", "flights"},
                             {"港口吞吐", "port throughput"},
                             {"停车场", "parking lots"},
                             {"交通事故", "road accidents"}};
constexpr Term kHealth[] = {{"药品目录", "drug catalogue"},    {"医院", "hospitals"},
                            {"传染病", "infectious diseases"}, {"临床试验", "clinical trials"},
                            {"医保结算", "health insurance"},  {"体检指标", "check-up values"},
                            {"疫苗接种", "vaccination"},       {"医疗影像", "medical images"}};
constexpr Term kGenome[] = {{"基因组", "genome"},
                            {"蛋白质结构", "protein structure"},
                            {"物种分布", "species occurrence"},
                            {"单细胞", "single cell"},
                            {"微生物", "microbiome"},
                            {"变异位点", "variants"},
                            {"代谢物", "metabolites"},
                            {"转录组", "transcriptome"}};
constexpr Term kFarm[] = {
    {"农产品价格", "farm prices"}, {"土壤", "soil"},          {"作物产量", "crop yields"}, {"病虫害", "crop pests"},
    {"灌溉用水", "irrigation"},    {"生猪存栏", "pig stock"}, {"粮食储备", "grain stock"}, {"渔业捕捞", "fishery catch"}};
constexpr Term kLand[] = {{"土地利用", "land cover"},       {"高程", "elevation"},       {"卫星影像", "satellite imagery"},
                          {"行政边界", "boundaries"},       {"地名地址", "addresses"},   {"建筑轮廓", "buildings"},
                          {"植被指数", "vegetation index"}, {"夜间灯光", "night lights"}};
constexpr Term kEnergy[] = {{"用电负荷", "power load"}, {"光伏发电", "solar power"},   {"风电", "wind power"},
                            {"天然气", "natural gas"},  {"油价", "oil prices"},        {"充电桩", "charging points"},
                            {"煤炭库存", "coal stock"}, {"电价", "electricity prices"}};
constexpr Term kTrade[] = {{"海关进出口", "customs trade"},    {"关税", "tariffs"},     {"集装箱", "containers"},
                           {"跨境电商", "cross-border sales"}, {"招标公告", "tenders"}, {"供应商", "suppliers"},
                           {"物流运价", "freight rates"},      {"仓储", "warehouses"}};
constexpr Term kFirm[] = {{"工商注册", "company register"}, {"专利", "patents"},           {"商标", "trademarks"},
                          {"司法诉讼", "lawsuits"},         {"股权结构", "ownership"},     {"行政处罚", "penalties"},
                          {"招聘岗位", "job postings"},     {"融资事件", "funding rounds"}};
constexpr Term kPeople[] = {{"人口普查", "census"},           {"就业", "employment"},          {"居民收入", "incomes"},
                            {"人口迁移", "migration"},        {"生育率", "fertility"},         {"老龄化", "ageing"},
                            {"社会保险", "social insurance"}, {"住户调查", "household survey"}};
constexpr Term kSchool[] = {{"高校", "universities"},        {"考试成绩", "exam results"}, {"论文引用", "paper citations"},
                            {"科研项目", "research grants"}, {"教材", "textbooks"},        {"图书馆", "libraries"},
                            {"职业培训", "training"},        {"学籍", "enrolment"}};
constexpr Term kHouse[] = {{"房价", "house prices"},       {"租金", "rents"},           {"土地出让", "land sales"},
                           {"二手房成交", "home resales"}, {"物业", "property"},        {"写字楼", "offices"},
                           {"装修", "renovation"},         {"保障房", "public housing"}};
constexpr Term kShop[] = {{"商品评论", "product reviews"}, {"销量", "sales"},  {"优惠券", "coupons"},
                          {"会员", "memberships"},         {"门店", "stores"}, {"商品条码", "bar codes"},
                          {"直播带货", "live sales"},      {"退货", "returns"}};
constexpr Term kTravel[] = {{"景区客流", "park visitors"}, {"酒店", "hotels"},      {"签证", "visas"},      {"旅游线路", "tours"},
                            {"博物馆", "museums"},         {"餐厅", "restaurants"}, {"节假日", "holidays"}, {"门票", "tickets"}};
constexpr Term kText[] = {{"新闻标题", "news headlines"}, {"中文分词", "word segmentation"}, {"问答语料", "question answering"},
                          {"翻译语料", "parallel text"},  {"情感标注", "sentiment labels"},  {"知识图谱", "knowledge graph"},
                          {"古籍", "old books"},          {"法律文书", "legal text"}};
constexpr Term kVision[] = {
    {"人脸", "faces"},       {"车牌", "number plates"},    {"手写数字", "handwriting"},   {"街景", "street scenes"},
    {"缺陷检测", "defects"}, {"医学分割", "segmentation"}, {"视频动作", "video actions"}, {"遥感目标", "aerial objects"}};
constexpr Term kVoice[] = {
    {"普通话语音", "Mandarin speech"}, {"方言", "dialects"},     {"声纹", "speaker voices"},   {"音乐", "music"},
    {"环境声", "ambient sound"},       {"唤醒词", "wake words"}, {"电话录音", "call records"}, {"歌词", "lyrics"}};
constexpr Term kNet[] = {{"漏洞", "vulnerabilities"},     {"恶意样本", "malware"}, {"域名", "domain names"},
                         {"流量", "network flows"},       {"日志", "system logs"}, {"钓鱼网站", "phishing"},
                         {"代理地址", "proxy addresses"}, {"证书", "certificates"}};
constexpr Term kSport[] = {
    {"足球比赛", "football matches"}, {"篮球", "basketball"}, {"马拉松", "marathons"}, {"运动员", "athletes"}, {"场馆", "venues"},
    {"电子竞技", "e-sports"},         {"健身", "fitness"},    {"赔率", "odds"}};
constexpr Term kFilm[] = {{"票房", "box office"},     {"电影评分", "film ratings"}, {"剧集", "series"}, {"弹幕", "live comments"},
                          {"短视频", "short videos"}, {"图书销量", "book sales"},   {"游戏", "games"},  {"演出", "shows"}};
constexpr Term kMachine[] = {{"机床传感器", "machine sensors"},
                             {"轴承振动", "bearing vibration"},
                             {"电池寿命", "battery life"},
                             {"良品率", "yield rates"},
                             {"机器人", "robots"},
                             {"工单", "work orders"},
                             {"设备故障", "failures"},
                             {"能耗", "energy use"}};
constexpr Term kOcean[] = {{"海表温度", "sea temperature"}, {"潮汐", "tides"}, {"海冰", "sea ice"},       {"盐度", "salinity"},
                           {"船舶位置", "ship positions"},  {"海浪", "waves"}, {"珊瑚礁", "coral reefs"}, {"洋流", "currents"}};

constexpr Topic kTopics[] = {
    {{"气象", "weather"}, "气象水文", "气象服务", kWeather},
    {{"环境", "environment"}, "生态环境", "环保", kAir},
    {{"金融", "finance"}, "金融财经", "金融", kFinance},
    {{"交通", "transport"}, "交通出行", "交通运输", kTraffic},
    {{"医疗", "health"}, "医疗健康", "医疗", kHealth},
    {{"生物", "life science"}, "生命科学", "生物医药", kGenome},
    {{"农业", "agriculture"}, "农林牧渔", "农业", kFarm},
    {{"地理", "geography"}, "地理空间", "测绘", kLand},
    {{"能源", "energy"}, "能源资源", "能源", kEnergy},
    {{"贸易", "trade"}, "贸易物流", "物流", kTrade},
    {{"企业", "companies"}, "企业工商", "商业服务", kFirm},
    {{"人口", "population"}, "社会民生", "公共管理", kPeople},
    {{"教育", "education"}, "教育科研", "教育", kSchool},
    {{"房产", "housing"}, "房产建筑", "房地产", kHouse},
    {{"零售", "retail"}, "电商零售", "零售", kShop},
    {{"旅游", "travel"}, "文化旅游", "旅游", kTravel},
    {{"文本", "text"}, "人工智能语料", "人工智能", kText},
    {{"图像", "images"}, "图像视频", "人工智能", kVision},
    {{"语音", "speech"}, "语音音频", "人工智能", kVoice},
    {{"网络", "networks"}, "网络安全", "信息安全", kNet},
    {{"体育", "sports"}, "体育健身", "体育", kSport},
    {{"影视", "film"}, "影视娱乐", "传媒", kFilm},
    {{"制造", "manufacturing"}, "工业制造", "制造业", kMachine},
    {{"海洋", "oceans"}, "海洋水文", "海洋", kOcean},
};

constexpr std::string_view kBeijing[] = {"北京"};
constexpr std::string_view kShanghai[] = {"上海"};
constexpr std::string_view kTianjin[] = {"天津"};
constexpr std::string_view kChongqing[] = {"重庆"};
constexpr std::string_view kGuangdong[] = {"广州", "深圳", "佛山", "东莞", "珠海"};
constexpr std::string_view kJiangsu[] = {"南京", "苏州", "无锡", "常州"};
constexpr std::string_view kZhejiang[] = {"杭州", "宁波", "温州", "嘉兴"};
constexpr std::string_view kShandong[] = {"济南", "青岛", "烟台"};
constexpr std::string_view kSichuan[] = {"成都", "绵阳"};
constexpr std::string_view kHubei[] = {"武汉", "宜昌"};
constexpr std::string_view kHunan[] = {"长沙", "株洲"};
constexpr std::string_view kHenan[] = {"郑州", "洛阳"};
constexpr std::string_view kFujian[] = {"福州", "厦门", "泉州"};
constexpr std::string_view kAnhui[] = {"合肥", "芜湖"};
constexpr std::string_view kShaanxi[] = {"西安", "咸阳"};
constexpr std::string_view kLiaoning[] = {"沈阳", "大连"};
constexpr std::string_view kHebei[] = {"石家庄", "唐山"};
constexpr std::string_view kGuangxi[] = {"南宁", "桂林"};
constexpr std::string_view kYunnan[] = {"昆明", "大理"};
constexpr std::string_view kGuizhou[] = {"贵阳", "遵义"};
constexpr std::string_view kXinjiang[] = {"乌鲁木齐"};
constexpr std::string_view kHainan[] = {"海口", "三亚"};

constexpr Province kProvinces[] = {
    {{"广东省", "Guangdong"}, "44", kGuangdong, 15},
    {{"北京市", "Beijing"}, "11", kBeijing, 13},
    {{"上海市", "Shanghai"}, "31", kShanghai, 12},
    {{"浙江省", "Zhejiang"}, "33", kZhejiang, 10},
    {{"江苏省", "Jiangsu"}, "32", kJiangsu, 9},
    {{"四川省", "Sichuan"}, "51", kSichuan, 5},
    {{"山东省", "Shandong"}, "37", kShandong, 5},
    {{"湖北省", "Hubei"}, "42", kHubei, 4},
    {{"福建省", "Fujian"}, "35", kFujian, 4},
    {{"湖南省", "Hunan"}, "43", kHunan, 3},
    {{"河南省", "Henan"}, "41", kHenan, 3},
    {{"安徽省", "Anhui"}, "34", kAnhui, 3},
    {{"陕西省", "Shaanxi"}, "61", kShaanxi, 3},
    {{"重庆市", "Chongqing"}, "50", kChongqing, 3},
    {{"天津市", "Tianjin"}, "12", kTianjin, 2},
    {{"辽宁省", "Liaoning"}, "21", kLiaoning, 2},
    {{"河北省", "Hebei"}, "13", kHebei, 2},
    {{"广西壮族自治区", "Guangxi"}, "45", kGuangxi, 1},
    {{"云南省", "Yunnan"}, "53", kYunnan, 1},
    {{"贵州省", "Guizhou"}, "52", kGuizhou, 2},
    {{"新疆维吾尔自治区", "Xinjiang"}, "65", kXinjiang, 1},
    {{"海南省", "Hainan"}, "46", kHainan, 1},
};

}  // namespace

std::span<const Topic> topics() { return kTopics; }
std::span<const Province> provinces() { return kProvinces; }

}  // namespace lodestone::simulation
