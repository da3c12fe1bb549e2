# lodestone_embed(OUT folder NAMESPACE function pattern): a source file in which lodestone::NAMESPACE::function() gives all files of
# that pattern below the folder. The header that declares the function is <folder of the target>/embedded_<suffix>.hpp, written by hand.
# Run as a script (cmake -P) it writes the source; so a changed file is embedded again by the next build.
if(CMAKE_SCRIPT_MODE_FILE)
  file(GLOB_RECURSE files RELATIVE ${FOLDER} ${FOLDER}/${PATTERN})
  list(SORT files)
  set(text "// Written by cmake/embed.cmake.\n#include \"${HEADER}\"\n\n#include <array>\n\nnamespace lodestone::${NAMESPACE} {\n\n")
  list(LENGTH files n)
  string(APPEND text "std::span<const EmbeddedFile> ${FUNCTION}() {\n  static constexpr std::array<EmbeddedFile, ${n}> kFiles = {{\n")
  foreach(file ${files})
    file(READ ${FOLDER}/${file} content)
    string(APPEND text "    {\"${file}\", R\"__file__(${content})__file__\"},\n")
  endforeach()
  string(APPEND text "  }};\n  return kFiles;\n}\n\n}  // namespace lodestone::${NAMESPACE}\n")
  file(WRITE ${OUT} "${text}")
  return()
endif()

function(lodestone_embed out folder pattern header namespace function)
  file(GLOB_RECURSE files CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/${folder}/${pattern})
  add_custom_command(OUTPUT ${out}
    COMMAND ${CMAKE_COMMAND} -DFOLDER=${PROJECT_SOURCE_DIR}/${folder} -DPATTERN=${pattern} -DHEADER=${header} -DNAMESPACE=${namespace}
            -DFUNCTION=${function} -DOUT=${out} -P ${PROJECT_SOURCE_DIR}/cmake/embed.cmake
    DEPENDS ${files} ${PROJECT_SOURCE_DIR}/cmake/embed.cmake VERBATIM)
endfunction()
