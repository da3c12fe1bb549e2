// In the place of faiss_methods.cpp where the build lacks Faiss.
#include "base/error.hpp"
#include "evaluation/faiss_methods.hpp"

namespace lodestone::evaluation {

VectorMethod make_faiss_method(const std::string& name, const VectorSet& /*set*/, int /*threads*/) {
  fail(ErrorCode::kInvalidArgument,
       "method \"{}\" needs Faiss, which this program was built without; install Debian's libfaiss-dev and build with "
       "cmake --preset release -DLODESTONE_FAISS=ON, or leave the method out",
       name);
}

}  // namespace lodestone::evaluation
