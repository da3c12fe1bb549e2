# Everything found here is installed by `./run setup` (deps.lock): Debian packages; DuckDB, LightGBM and a word list below build/deps.
find_package(Threads REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(ZLIB REQUIRED)
find_package(Boost 1.81 REQUIRED COMPONENTS json)
find_package(fmt 9 REQUIRED)
find_package(spdlog REQUIRED)
find_package(yaml-cpp REQUIRED)
find_package(CLI11 REQUIRED)
find_package(ICU REQUIRED COMPONENTS uc i18n)
find_package(absl REQUIRED)
find_package(SQLite3 3.35 REQUIRED)
find_package(CURL 7.85 REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(MARIADB REQUIRED IMPORTED_TARGET libmariadb)
pkg_check_modules(OPENBLAS REQUIRED IMPORTED_TARGET openblas)

set(LODESTONE_DEPS "${PROJECT_SOURCE_DIR}/build/deps" CACHE PATH "What ./run setup unpacked")
add_library(duckdb SHARED IMPORTED)
add_library(lightgbm SHARED IMPORTED)
if(NOT EXISTS ${LODESTONE_DEPS}/duckdb/lib/libduckdb.so)
  message(FATAL_ERROR "DuckDB is not below ${LODESTONE_DEPS}; run ./run setup first")
endif()
set_target_properties(duckdb PROPERTIES
  IMPORTED_LOCATION ${LODESTONE_DEPS}/duckdb/lib/libduckdb.so
  IMPORTED_NO_SONAME ON
  INTERFACE_INCLUDE_DIRECTORIES ${LODESTONE_DEPS}/duckdb/include)
if(NOT EXISTS ${LODESTONE_DEPS}/lightgbm/lib/lib_lightgbm.so)
  message(FATAL_ERROR "LightGBM is not below ${LODESTONE_DEPS}; run ./run setup first")
endif()
set_target_properties(lightgbm PROPERTIES
  IMPORTED_LOCATION ${LODESTONE_DEPS}/lightgbm/lib/lib_lightgbm.so
  IMPORTED_NO_SONAME ON
  INTERFACE_INCLUDE_DIRECTORIES ${LODESTONE_DEPS}/lightgbm/include)

# The word list that the segmenter's dictionary is built from (src/features).
if(NOT EXISTS ${LODESTONE_DEPS}/jieba/jieba.dict.utf8)
  message(FATAL_ERROR "jieba's word list is not below ${LODESTONE_DEPS}; run ./run setup first")
endif()

# To compare with, not in the product.
option(LODESTONE_FAISS "lodestone evaluate also measures Faiss (Debian's libfaiss-dev)" OFF)
if(LODESTONE_FAISS)
  find_library(FAISS_LIBRARY faiss)
  find_path(FAISS_INCLUDE faiss/IndexHNSW.h)
  if(NOT FAISS_LIBRARY OR NOT FAISS_INCLUDE)
    message(FATAL_ERROR "LODESTONE_FAISS is on and Faiss is not here; apt-get install libfaiss-dev, or set it to OFF")
  endif()
  add_library(faiss INTERFACE)
  target_include_directories(faiss SYSTEM INTERFACE ${FAISS_INCLUDE})
  target_link_libraries(faiss INTERFACE ${FAISS_LIBRARY} gomp PkgConfig::OPENBLAS)
endif()

if(LODESTONE_TESTS)
  find_package(GTest REQUIRED)
endif()
