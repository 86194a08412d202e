# Completion of playbook for fish. Use it with: playbook completions fish | source
function __playbook_complete
    set -l before (commandline -opc)
    set -l current (commandline -ct)
    playbook completions fish --at (count $before) -- $before "$current" 2>/dev/null
end
complete --command playbook --no-files --keep-order --arguments '(__playbook_complete)'
