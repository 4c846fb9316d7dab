"""The scripts that make shells complete the verbs and options of `edk`.

Each asks `edk __complete` with the words up to the cursor (see `completion.answer`), so that the scripts stay as they
are when verbs and options change.
"""

from __future__ import annotations

from typing import Sequence

from runtime.common.errors import InputError

# Works with bash 3.2, which macOS has. Where there are no words, -o default completes paths.
_BASH = r"""# Completion of edk for bash. Once, in ~/.bashrc: source <(edk completion bash)
_edk() {
    local kind= line
    COMPREPLY=()
    while IFS= read -r line; do
        if [[ -z $kind ]]; then kind=$line; else COMPREPLY+=("${line%%$'\t'*}"); fi
    done < <("${1/#\~/$HOME}" __complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
    if [[ $kind == words ]]; then compopt +o default 2>/dev/null; fi
}
complete -o default -F _edk edk edge-detection-kit"""

_ZSH = r"""#compdef edk edge-detection-kit
# Completion of edk for zsh. Once, in ~/.zshrc after compinit: source <(edk completion zsh)
_edk() {
    local -a lines described
    lines=("${(@f)$("${(Q)words[1]/#\~/$HOME}" __complete "${(@Q)words[2,CURRENT]}" 2>/dev/null)}")
    if [[ ${lines[1]} == paths ]]; then
        compset -P '--*='
        _files
    else
        described=("${(@)${(@)${(@)lines[2,-1]//:/\\:}/$'\t'/:}/%:/}")
        (( $#lines > 1 )) && _describe edk described
    fi
}
if [[ ${funcstack[1]} == _edk ]]; then _edk "$@"; else compdef _edk edk edge-detection-kit; fi"""

_FISH = r"""# Completion of edk for fish. Once: edk completion fish > ~/.config/fish/completions/edk.fish
function __edk_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l lines ($words[1] __complete $words[2..-1] "$current" 2>/dev/null)
    if test "$lines[1]" = paths
        set -l option (string match -r -- '^--[^=]+=' $current)
        __fish_complete_path (string replace -r -- '^--[^=]+=' '' $current) | string replace -r -- '^' "$option"
    else
        printf '%s\n' $lines[2..-1]
    end
end
complete -c edk -f -a '(__edk_complete)'
complete -c edge-detection-kit -f -a '(__edk_complete)'"""

_SCRIPTS = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH}
NAMES = tuple(_SCRIPTS)


def script(words: Sequence[str]) -> str:
    """The script for the shell that `words` name. Raises InputError where that is none of them."""
    if len(words) != 1 or words[0] not in _SCRIPTS:
        raise InputError(f"{' '.join(['edk completion', *words])}: name one shell: {', '.join(NAMES)}")
    return _SCRIPTS[words[0]]
