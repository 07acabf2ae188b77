#include "train/system/exit_code.h"

#include <csignal>
#include <new>

#include "core/error.h"
#include "train/system/signals.h"

namespace yonder {

ExitCode exit_code(int signal) {
  return signal == SIGUSR1 ? ExitCode::to_be_continued
                           : ExitCode(int(ExitCode::signalled) + signal);
}

ExitStatus current_exit_status() {
  try {
    throw;
  } catch (const SharedError& e) { return {e.code, e.what()}; } catch (const UsageError& e) {
    return {ExitCode::usage, e.what()};
  } catch (const FileError& e) {
    return {ExitCode::bad_file, e.what()};
  } catch (const Interrupted& e) {
    return {exit_code(e.signal), e.what()};
  } catch (const DivergedError& e) {
    return {ExitCode::diverged, e.what()};
  } catch (const DiskError& e) {
    return {ExitCode::disk, e.what()};
  } catch (const std::bad_alloc&) {
    return {ExitCode::failed, "out of memory; try a smaller batch, length or width"};
  } catch (const std::exception& e) { return {ExitCode::failed, e.what()}; } catch (...) {
    return {ExitCode::failed, "failed for an unknown reason"};
  }
}

}  // namespace yonder
