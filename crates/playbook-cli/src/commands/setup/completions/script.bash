# Completion of playbook for bash. Use it with: source <(playbook completions bash)
_playbook_complete() {
    # Bash takes words apart at ':' and '='. What was typed without a blank between is put together again.
    local line=${COMP_LINE:0:COMP_POINT} words=() last i word blanks
    for ((i = 0; i <= COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        blanks=${line%%[![:blank:]]*}
        line=${line#"$blanks"}
        ((i == COMP_CWORD)) && word=$line
        if [[ ${#words[@]} -gt 0 && -z $blanks && ($i -lt $COMP_CWORD || -n $word) ]]; then
            last=$((${#words[@]} - 1))
            words[last]+=$word
        else
            words+=("$word")
        fi
        line=${line#"$word"}
    done
    last=$((${#words[@]} - 1))

    # Bash replaces only what stands behind the last place where it took the word apart.
    local current=${words[last]} before= break
    for break in : =; do
        if [[ $COMP_WORDBREAKS == *"$break"* && $current == *"$break"* ]]; then
            [[ ${current%"$break"*}$break == "$before"* ]] && before=${current%"$break"*}$break
        fi
    done

    local reply
    COMPREPLY=()
    while IFS= read -r reply; do
        reply=${reply#"$before"}
        [[ $reply == *[=:/] ]] && compopt -o nospace 2>/dev/null
        [[ $reply == *[[:space:]\&\;\(\)\'\"]* ]] && printf -v reply %q "$reply"
        COMPREPLY+=("$reply")
    done < <(playbook completions bash --at "$last" -- "${words[@]}" 2>/dev/null)
}
complete -o nosort -F _playbook_complete playbook 2>/dev/null || complete -F _playbook_complete playbook
