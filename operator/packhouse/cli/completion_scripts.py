"""What shells run to complete the words of `packhouse`: each asks `packhouse __complete`, and does as it is told.

The words of `kubectl package` need none: kubectl's own completion asks `kubectl_complete-package`.
"""

from __future__ import annotations

from typing import Final

#: bash breaks words at = and :, so they are put together again, and what stands before the break is taken off the
#: answers.
BASH: Final = r"""# bash completion for packhouse
__packhouse_complete() {
    local rest="${COMP_LINE:0:COMP_POINT}" word words=() line directive=0 i
    for ((i = 0; i <= COMP_CWORD; i++)); do
        word="${COMP_WORDS[i]}"
        if [[ $rest == [[:space:]]* || $i == 0 ]]; then
            rest="${rest#"${rest%%[![:space:]]*}"}"
            words+=("")
        fi
        [[ $rest == "$word"* ]] || word="$rest"
        words[${#words[@]} - 1]+="$word"
        rest="${rest#"$word"}"
    done
    local whole="${words[${#words[@]} - 1]}" before
    before="${whole%"$word"}"
    [[ $word == [=:] ]] && before="$whole"
    COMPREPLY=()
    while IFS= read -r line; do
        if [[ $line =~ ^:([0-9]+)$ ]]; then
            directive="${BASH_REMATCH[1]}"
        else
            line="${line%%$'\t'*}"
            COMPREPLY+=("${line#"$before"}")
        fi
    done < <("${words[0]}" __complete "${words[@]:1}" 2>/dev/null)
    ((directive & 2)) && compopt -o nospace
    ((directive & 32)) && compopt -o nosort 2>/dev/null
    ((directive & 4)) || compopt -o default
}
complete -F __packhouse_complete packhouse
"""

ZSH: Final = r"""#compdef packhouse
# zsh completion for packhouse
__packhouse_complete() {
    local line directive=0
    local -a found options
    while IFS= read -r line; do
        if [[ $line =~ '^:([0-9]+)$' ]]; then
            directive=$match[1]
        else
            local word="${line%%$'\t'*}" text=""
            [[ $line == *$'\t'* ]] && text="${line#*$'\t'}"
            found+=("${word//:/\\:}${text:+:$text}")
        fi
    done < <("${(Q)words[1]}" __complete "${(@Q)words[2,CURRENT]}" 2>/dev/null)
    ((directive & 2)) && options+=(-S '')
    ((directive & 32)) && options+=(-V packhouse)
    if ((${#found})); then
        _describe -t packhouse packhouse found "${options[@]}"
    elif ((!(directive & 4))); then
        _files
    fi
}
if [ "$funcstack[1]" = "_packhouse" ]; then
    __packhouse_complete
else
    compdef __packhouse_complete packhouse
fi
"""

FISH: Final = r"""# fish completion for packhouse
function __packhouse_complete
    set -l done (commandline -opc)
    set -l current (commandline -ct)
    set -l program $done[1]
    set -e done[1]
    set -l found ($program __complete $done "$current" 2>/dev/null)
    set -l directive (string replace ':' '' -- $found[-1])
    set -e found[-1]
    if test (count $found) -gt 0
        printf '%s\n' $found
    else if test (math "bitand($directive, 4)") -eq 0
        __fish_complete_path "$current"
    end
end
complete -c packhouse -e
complete -c packhouse -f -k -a '(__packhouse_complete)'
"""
