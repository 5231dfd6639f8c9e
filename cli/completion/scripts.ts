export const shells = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof shells)[number];

/** What `starlift completion candidates` prints where the shell itself knows the candidates. */
export const foldersMark = '@folders';

// Each asks starlift for the candidates, so that they are those of the very version and model in use.
/** What each shell reads once. */
export const completionScripts: Readonly<Record<Shell, string>> = {
  bash: `# starlift in bash: source <(starlift completion bash)
_starlift() {
  local IFS=$'\\n' line
  COMPREPLY=()
  while read -r line; do
    if [[ $line == ${foldersMark} ]]; then
      compopt -o filenames 2>/dev/null
      COMPREPLY=($(compgen -d -- "\${COMP_WORDS[COMP_CWORD]#=}"))
      return
    fi
    COMPREPLY+=("\${line%%$'\\t'*}")
  done < <(starlift completion candidates -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -F _starlift starlift`,
  zsh: `# starlift in zsh: source <(starlift completion zsh), after compinit
_starlift() {
  local line
  local -a found shown
  while IFS= read -r line; do
    if [[ $line == ${foldersMark} ]]; then
      compset -P '*='
      _files -/
      return
    fi
    found+=("\${line%%$'\\t'*}")
    if [[ $line == *$'\\t'?* ]]; then shown+=("\${line/$'\\t'/  }"); else shown+=("\${line%%$'\\t'*}"); fi
  done < <(starlift completion candidates -- "\${(@)words[2,CURRENT]}" 2>/dev/null)
  (( $#found )) && compadd -l -d shown -a -- found
}
compdef _starlift starlift`,
  fish: `# starlift in fish: starlift completion fish | source
function __starlift_candidates
  set -l words (commandline -opc)
  set -e words[1]
  set -l current (commandline -ct)
  for line in (starlift completion candidates -- $words "$current" 2>/dev/null)
    if test "$line" = ${foldersMark}
      if string match -q -- '--*=*' "$current"
        set -l prefix (string replace -r '=.*' '=' -- "$current")
        for folder in (__fish_complete_directories (string replace -r '^[^=]*=' '' -- "$current") '')
          echo "$prefix$folder"
        end
      else
        __fish_complete_directories "$current" ''
      end
    else
      echo "$line"
    end
  end
end
complete -c starlift -f -a '(__starlift_candidates)'`,
};
