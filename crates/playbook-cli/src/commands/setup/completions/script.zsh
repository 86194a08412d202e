#compdef playbook
# Completion of playbook for zsh. Use it with: source <(playbook completions zsh)
# or as a file named _playbook in a directory of $fpath.
_playbook() {
    local -a lines ended open
    local line text
    lines=("${(@f)$(playbook completions zsh --at $((CURRENT - 1)) -- "${(@Q)words[1,CURRENT-1]}" "${(Q)PREFIX}" 2>/dev/null)}")
    for line in "${lines[@]}"; do
        [[ -n $line ]] || continue
        text=${line%%$'\t'*}
        text=${text//\\/\\\\}
        text=${text//:/\\:}
        [[ $line == *$'\t'* ]] && text+=":${line#*$'\t'}"
        # What ends so goes on.
        if [[ ${line%%$'\t'*} == *[=/] ]]; then
            open+=("$text")
        else
            ended+=("$text")
        fi
    done
    (( $#ended )) && _describe -V 'playbook' ended
    (( $#open )) && _describe -V 'playbook' open -S ''
    (( $#ended + $#open ))
}
if [[ $funcstack[1] == _playbook ]]; then
    _playbook "$@"
elif (( $+functions[compdef] )); then
    compdef _playbook playbook
fi
