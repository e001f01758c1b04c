# candor_embed(<folder name> <glob>...)
#
# Puts data files of the current folder into its library, so that one binary is the whole program. The folder gets
# `std::span<const EmbeddedFile> embedded_files()` in namespace candor::<folder>, declared in its embedded.h: names are
# relative to the folder, sorted.
function(candor_embed name)
  file(GLOB files CONFIGURE_DEPENDS RELATIVE ${CMAKE_CURRENT_SOURCE_DIR} ${ARGN})
  list(SORT files)
  set(assembly "  .section .rodata\n")
  set(declarations "")
  set(rows "")
  set(index 0)
  foreach(file IN LISTS files)
    set(symbol candor_embedded_${name}_${index})
    string(APPEND assembly "  .global ${symbol}\n  .balign 8\n${symbol}:\n  .incbin \"${CMAKE_CURRENT_SOURCE_DIR}/${file}\"\n"
                           "  .global ${symbol}_end\n${symbol}_end:\n  .byte 0\n")
    string(APPEND declarations "extern \"C\" const char ${symbol}[];\nextern \"C\" const char ${symbol}_end[];\n")
    string(APPEND rows "    {\"${file}\", {${symbol}, static_cast<std::size_t>(${symbol}_end - ${symbol})}},\n")
    math(EXPR index "${index} + 1")
  endforeach()
  string(APPEND assembly "  .section .note.GNU-stack,\"\",@progbits\n")
  file(CONFIGURE OUTPUT ${CMAKE_CURRENT_BINARY_DIR}/embedded.S CONTENT "${assembly}" @ONLY)
  file(CONFIGURE OUTPUT ${CMAKE_CURRENT_BINARY_DIR}/embedded.cpp CONTENT
"#include \"base/embedded.h\"
${declarations}
namespace candor::${name} {
std::span<const EmbeddedFile> embedded_files();
std::span<const EmbeddedFile> embedded_files() {
  static const EmbeddedFile files[] = {
${rows}    {{}, {}}};
  return {files, ${index}};
}
}  // namespace candor::${name}
" @ONLY)
  list(TRANSFORM files PREPEND ${CMAKE_CURRENT_SOURCE_DIR}/ OUTPUT_VARIABLE paths)
  set_source_files_properties(${CMAKE_CURRENT_BINARY_DIR}/embedded.S PROPERTIES OBJECT_DEPENDS "${paths}")
  target_sources(candor_${name} PRIVATE ${CMAKE_CURRENT_BINARY_DIR}/embedded.S ${CMAKE_CURRENT_BINARY_DIR}/embedded.cpp)
endfunction()
