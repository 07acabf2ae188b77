#include "train/system/exit_code.h"

#include <new>

#include "core/error.h"
#include "train/system/signals.h"

namespace yonder {

ExitStatus current_exit_status() {
  try {
    throw;
  } catch (const SharedError& e) { return {e.code, e.what()}; } catch (const UsageError& e) {
    return {usage, e.what()};
  } catch (const FileError& e) { return {bad_file, e.what()}; } catch (const Interrupted& e) {
    return {exit_code(e.signal), e.what()};
  } catch (const DivergedError& e) { return {diverged, e.what()}; } catch (const DiskError& e) {
    return {disk, e.what()};
  } catch (const std::bad_alloc&) {
    return {failed, "out of memory; try a smaller batch, length or width"};
  } catch (const std::exception& e) { return {failed, e.what()}; } catch (...) {
    return {failed, "failed for an unknown reason"};
  }
}

}  // namespace yonder
