#include "serving/request_origin.hpp"

#include <gtest/gtest.h>

#include "http/problem.hpp"

namespace lodestone::serving {
namespace {

TEST(RequestOrigin, device_types_follow_what_browsers_say) {
  EXPECT_EQ(device_type_of("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0"),
            "desktop");
  EXPECT_EQ(device_type_of("Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 Chrome/131.0 Mobile Safari/537.36"),
            "mobile");
  EXPECT_EQ(device_type_of("Mozilla/5.0 (Linux; Android 14; SM-X910) AppleWebKit/537.36 Chrome/131.0 Safari/537.36"), "tablet");
  EXPECT_EQ(device_type_of("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Mobile/15E148"), "mobile");
  EXPECT_EQ(device_type_of("Mozilla/5.0 (iPad; CPU OS 18_0 like Mac OS X) Mobile/15E148"), "tablet");
  EXPECT_EQ(device_type_of("Mozilla/5.0 (Linux; Android 6.0.1) Mobile Safari (compatible; Googlebot/2.1)"), "bot");
  EXPECT_EQ(device_type_of("Baiduspider+(+http://www.baidu.com/search/spider.htm)"), "bot");
  EXPECT_EQ(device_type_of("curl/8.5.0"), "");
  EXPECT_EQ(device_type_of(""), "");
}

TEST(RequestOrigin, the_locale_is_the_first_tag) {
  EXPECT_EQ(locale_of("zh-CN,zh;q=0.9,en;q=0.8"), "zh-CN");
  EXPECT_EQ(locale_of(" en ; q=0.5"), "en");
  EXPECT_EQ(locale_of("*"), "");
  EXPECT_EQ(locale_of(""), "");
  EXPECT_EQ(locale_of("en_US"), "") << "no tag of RFC 5646";
  EXPECT_EQ(locale_of("a-" + std::string(34, 'b')), "") << "36 bytes";
  EXPECT_EQ(locale_of("a-" + std::string(33, 'b')).size(), 35U);
}

TEST(RequestOrigin, a_source_that_is_no_name_is_refused) {
  http::Request request;
  request.client_app = "shop-ios/3.2";
  EXPECT_EQ(read_origin(request, "home_top").source, "home_top");
  EXPECT_EQ(client_app_of(read_origin(request, std::nullopt).client_app), "shop-ios/3.2");
  EXPECT_EQ(client_app_of("x\"y"), "");
  const std::string long_app(70, 'x');
  request.client_app = long_app;
  EXPECT_EQ(client_app_of(read_origin(request, std::nullopt).client_app), "");
  for (const std::string& bad : {std::string(), std::string("a b"), std::string(33, 'a')}) {
    EXPECT_THROW(read_origin(request, bad), http::ParameterError) << bad;
  }
}

}  // namespace
}  // namespace lodestone::serving
