#include "simulation/table_writer.hpp"

#include <charconv>
#include <iterator>

namespace lodestone::simulation {

TableWriter& TableWriter::money(std::int64_t cents) {
  char text[32];
  char* end = std::to_chars(std::begin(text), std::end(text), cents / 100).ptr;
  *end++ = '.';
  *end++ = static_cast<char>('0' + cents / 10 % 10);
  *end++ = static_cast<char>('0' + cents % 10);
  return this->text({text, static_cast<std::size_t>(end - text)});
}

TableWriter& TableWriter::visitor(std::uint64_t id) {
  char bytes[8];
  for (unsigned i = 0; i < 8; ++i) bytes[i] = static_cast<char>((id >> (56U - 8U * i)) & 0xffU);
  return text({bytes, sizeof bytes});
}

}  // namespace lodestone::simulation
