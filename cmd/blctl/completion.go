package main

import (
	"io"

	"dnsbld/listing"
)

// completion prints the script for a shell, to be sourced: source <(blctl
// completion bash). What may come next is not in the script: it asks this program
// with every key, so that it cannot fall behind it (complete.go).
func (p *program) completion(in *input) error {
	shell := in.Args().First()
	script, ok := completions()[shell]
	if !ok {
		return usageError("%s is not a shell that is known here: bash, zsh or fish", listing.Quote(shell))
	}
	_, err := io.WriteString(p.stdout, script)
	return err
}

// completions are the scripts by shell. Where there is nothing to say, the shell
// offers files.
func completions() map[string]string {
	return map[string]string{
		// bash gives a function words that it has cut at = and : as well, and puts what
		// is found in the place of the last piece.
		"bash": `_blctl() {
	local line=${COMP_LINE:0:COMP_POINT} words typed
	read -ra words <<<"$line"
	[[ $line != *[[:space:]] ]] || words+=("")
	typed=${words[${#words[@]}-1]}
	mapfile -t COMPREPLY < <("$1" __complete bash "${words[@]:1}" 2>/dev/null)
	COMPREPLY=("${COMPREPLY[@]#"${typed%"${typed##*[=:]}"}"}")
}
complete -o default -F _blctl blctl
`,
		"zsh": `#compdef blctl
_blctl() {
	local -a all
	all=("${(@f)$("$words[1]" __complete zsh "${(@Q)words[2,CURRENT-1]}" "${(Q)PREFIX}" 2>/dev/null)}")
	if [[ -n $all[1] ]]; then _describe blctl all; else _files; fi
}
if [[ $funcstack[1] == _blctl ]]; then
	_blctl
else
	(( $+functions[compdef] )) || { autoload -U +X compinit && compinit }
	compdef _blctl blctl
fi
`,
		"fish": `function __blctl_complete
	set -l words (commandline -opc)
	set -l program $words[1]
	set -e words[1]
	type -q $program; or return
	set -l typed (commandline -ct)
	set -l all ($program __complete fish $words "$typed" 2>/dev/null)
	if test (count $all) -gt 0
		printf '%s\n' $all
	else
		__fish_complete_path "$typed"
	end
end
complete -c blctl -f -a '(__blctl_complete)'
`,
	}
}
