#include <cstdio>

#include "core/error.h"
#include "train/cli/command_line.h"
#include "train/cli/commands.h"

namespace yonder {
namespace {

// The scripts ask the program itself, so they know every flag: commands from its help, flags from
// --help-all of a command, names from yonder list.
const char* const bash = R"sh(_yonder() {
  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} words
  if [ "$COMP_CWORD" = 1 ]; then
    words=$(yonder --help | sed -nE '/^Commands/,$s/^  ([a-z]+) .*/\1/p')
  elif [ "${COMP_WORDS[1]}" = list ]; then
    words='encodings tasks presets'
  elif [ "${COMP_WORDS[1]}" = data ] || [ "$before" = --task ]; then
    words=$(yonder list tasks | cut -d' ' -f1)
  elif [ "$before" = encoding ] || [ "$before" = --encoding ] || [ "$before" = --encodings ]; then
    words=$(yonder list encodings | sed -nE 's/^  ([a-z0-9-]+).*/\1/p')
  elif [ "${COMP_WORDS[1]}" = sweep ] && [ "$COMP_CWORD" = 2 ]; then
    words=$(yonder list presets | cut -d' ' -f1)
  fi
  if [[ $word == -* ]]; then
    words=$(yonder "${COMP_WORDS[1]}" --help-all | sed -nE 's/^  (--[a-z0-9._-]+).*/\1/p')
  fi
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
  [ ${#COMPREPLY[@]} != 0 ] || mapfile -t COMPREPLY < <(compgen -f -- "$word")
}
complete -o filenames -F _yonder yonder
)sh";

// The first line makes the script a file for $fpath too. If it is autoloaded from there, its last
// line does the completion that zsh has begun.
const char* const zsh_begin = "#compdef yonder\nautoload -U +X bashcompinit && bashcompinit\n";
const char* const zsh_end =
    "[[ $zsh_eval_context[-1] != loadautofunc ]] || _bash_complete -o filenames -F _yonder\n";

const char* const fish = R"sh(function __yonder_command
    set -l words (commandline -opc)
    test (count $words) -gt 1; and echo $words[2]
end
function __yonder_flags
    yonder (__yonder_command) --help-all | string match -rg '^  (--[a-z0-9.-]+)'
end
complete -c yonder -n 'test -z (__yonder_command)' -f \
    -a "(yonder --help | sed -nE '/^Commands/,\$s/^  ([a-z]+) .*/\1/p')"
complete -c yonder -n 'test "(__yonder_command)" = list' -f -a 'encodings tasks presets'
complete -c yonder -n 'test "(__yonder_command)" = data' -f -a "(yonder list tasks | cut -d' ' -f1)"
complete -c yonder -n 'test "(__yonder_command)" = sweep' -a "(yonder list presets | cut -d' ' -f1)"
complete -c yonder -n 'test -n (__yonder_command)' -a '(__yonder_flags)'
)sh";

}  // namespace

ExitCode completion_command(const Arguments& arguments) {
  std::string shell;
  CommandLine line("completion", "prints a script that completes yonder's words in a shell",
                   {"source <(yonder completion bash)", "yonder completion fish | source"});
  line.argument("SHELL", shell, "bash, zsh or fish", CommandLine::Presence::required);
  if (!line.parse(arguments)) return ExitCode::ok;
  if (shell == "bash") std::fputs(bash, stdout);
  else if (shell == "zsh") std::printf("%s%s%s", zsh_begin, bash, zsh_end);
  else if (shell == "fish") std::fputs(fish, stdout);
  else
    throw UsageError("completion: '" + shell + "' is not allowed; it takes bash, zsh or fish" +
                     did_you_mean(shell, {"bash", "zsh", "fish"}));
  return ExitCode::ok;
}

}  // namespace yonder
