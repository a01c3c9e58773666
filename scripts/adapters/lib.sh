# What the adapters share: a message in a ticket system is asked about with `blctl
# request`, and the letter and a note for the agents go back into the ticket, once.
#
# An adapter sets `system`, sources this file, calls `begin "$@"`, and defines
#
#   read_ticket TICKET  sets `reference`, such as rt:17; writes each message of the
#                       customer as a mail to $work/in/ID and tells `message ID`,
#                       oldest first; tells `spoken FILE` for what the others wrote,
#                       `unspoken FILE` if the customer cannot see it; sets `left`
#                       when the ticket is not for a program to answer
#   reply FILE          the letter in FILE becomes the ticket's answer to the customer
#   note FILE           FILE becomes a note that only agents see
#
# Nothing is kept here. What was done is read from the ticket itself: notes carry a
# mark, letters a reference, and `blctl request` gives the same answer to the same
# message. So a run that was broken off, or repeated, goes on where the ticket stands.
#
# shellcheck shell=sh
set -eu

LATER=75

complain() { printf '%s: %s\n' "$system" "$*" | tr -cd '\n -~' >&2; }
try_later() {
	complain "$*"
	exit $LATER
}
wrong() {
	complain "$*: see --help"
	exit "${WRONG-2}"
}

# conclude STATUS: a web server that runs this as a CGI program is told in HTTP.
conclude() {
	rm -rf "${work-}"
	case $1 in
	0 | 2 | 3 | $LATER) ;;
	*) set -- $LATER ;; # an answer that is none, or no memory
	esac
	[ -n "${GATEWAY_INTERFACE-}" ] || exit "$1"
	case $1 in
	0 | 3) echo 'Status: 204 No Content' ;;
	2) echo 'Status: 400 Bad Request' ;;
	*) printf 'Status: 503 Service Unavailable\nRetry-After: 60\n' ;;
	esac
	echo
	exit 0
}

# begin ARGUMENT ...: sets url, auth, socket, delist, dry, ticket and work.
begin() {
	work='' url='' auth='' socket='' delist='' dry='' ticket='' queue='' user=${user-}
	trap 'conclude $?' EXIT
	trap 'exit $LATER' HUP INT TERM
	while [ $# -gt 0 ]; do
		case $1 in
		-h | --help) sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0"; exit 0 ;;
		--delist) delist=--delist ;;
		--dry-run) dry=--dry-run ;;
		--url | --auth | --socket | --queue | --user | --agent)
			[ $# -gt 1 ] || wrong "$1 needs a value"
			case $1 in
			--url) url=${2%/} ;;
			--auth) auth=$2 ;;
			--socket) socket=$2 ;;
			--queue) queue=$2 ;;
			--user) user=$2 ;;
			--agent) agent=$2 ;;
			esac
			shift
			;;
		-*) wrong "there is no option $1" ;;
		*) [ -z "$ticket" ] || wrong "one ticket at a time"; ticket=$1 ;;
		esac
		shift
	done
	for program in curl jq flock; do
		command -v $program >/dev/null || try_later "$program is needed: install it"
	done
	case $url in
	https://?* | http://127.0.0.1[:/]* | http://localhost[:/]* | 'http://[::1]'[:/]*) ;;
	*) wrong "--url takes https://…, so that nobody reads along" ;;
	esac
	[ -r "$auth" ] || wrong "--auth takes a file that can be read"
	[ -z "$(find -L "$auth" -perm /077)" ] || wrong "others can read $auth: chmod 600"
	blctl=${BLCTL-}
	if [ -z "$blctl" ]; then
		blctl=$here/../../../bin/blctl
		[ -x "$blctl" ] || blctl=blctl
	fi
	work=$(mktemp -d)
	exec 9<"$auth"
	flock -w 60 9 || try_later "another run is at it"
}

# from_standard_input FILTER: the ticket that a call of the ticket system names, as
# the jq filter finds it. No more than its number is taken from there, for anybody
# can make such a call; what the ticket says is asked of the ticket system.
from_standard_input() {
	ticket=$(head -c 1048576 | jq -r "($1) // \"\" | tostring" 2>/dev/null) || ticket=''
}

# number WORD: it is one, and not the beginning of something else.
number() {
	case $1 in
	'' | 0* | *[!0-9]* | ???????????????????*) return 1 ;;
	esac
}

# call METHOD PATH [FILE]: what is answered goes to $work/answer. It returns 1 when
# the ticket system refuses, with its status in `code`; what may pass ends the run.
# Secrets come from a file that curl reads, `config`, which is the one of --auth.
call() {
	method=$1 path=$2 sent=${3-}
	set -- --disable --silent --show-error --connect-timeout 5 --max-time "${DNSBL_TIMEOUT-30}" --max-filesize 33554432 \
		--output "$work/answer" --write-out '%{http_code}' --request "$method" --header 'Accept: application/json'
	[ -z "${config=$auth}" ] || set -- "$@" --config "$config"
	[ -z "$sent" ] || set -- "$@" --header "Content-Type: ${content_type-application/json}" --data-binary "@$sent"
	: >"$work/answer"
	code=$(curl "$@" "$url$path" 2>"$work/trouble" 9<&-) || try_later "$method ${path%%\?*}: $(cat "$work/trouble")"
	case $code in
	2??) ;;
	401) try_later "$method ${path%%\?*}: 401, so what is in $auth does not count there" ;;
	408 | 425 | 429 | 5??) try_later "$method ${path%%\?*}: $code" ;;
	*) return 1 ;;
	esac
}

message() { echo "$1" >>"$work/order"; }
unspoken() { cat "$1" >>"$work/said"; }

# spoken FILE: what the customer was told. If it is no letter of ours, a person has
# taken the ticket over.
spoken() {
	unspoken "$1"
	grep -Eq '^[^>]*L(-[A-Z2-7]{5}){3}' "$1" || left="a person has answered it"
}

# answer_ticket TICKET
answer_ticket() {
	left='' reference=''
	rm -rf "$work/in" && mkdir "$work/in"
	: >"$work/order"
	: >"$work/said"
	read_ticket "$1"
	if [ -n "$left" ]; then
		complain "${reference:-$1} is left to people: $left"
		return 0
	fi
	while read -r id; do answer_message "$id" </dev/null; done <"$work/order"
}

# answer_message ID: the letter first, the note last: it says that all is done.
answer_message() {
	mark="[dnsbl $reference $1]"
	! grep -qF -- "$mark" "$work/said" || return 0
	ask "$1"
	refused=''
	if [ -s "$work/letter" ] && [ -z "$dry" ] && ! told; then
		reply "$work/letter" || refused="the letter was refused ($code): please send it yourself"
	fi
	write_note
	if [ -n "$dry" ]; then
		cat "$work/note" "$work/letter"
		return 0
	fi
	note "$work/note" || try_later "$reference: the note was refused ($code)"
	cat "$work/note" >>"$work/said"
}

# told: the letter stands in the ticket already, by its reference.
told() {
	grep -Eo 'L(-[A-Z2-7]{4,5}){4,}' "$work/letter" | tail -1 >"$work/told"
	[ -s "$work/told" ] && grep -qF -f "$work/told" "$work/said"
}

write_note() { jq -r --arg mark "$mark" --arg refused "$refused" -f "$here/../note.jq" "$work/result" >"$work/note"; }

# ask ID: what is to be done about a message, and the letter, empty if there is none
# to be sent. Nothing of a message becomes a word here.
ask() {
	jq -n --rawfile text "$work/in/$1" --arg ticket "$reference" --arg id "$reference:$1" \
		'{text: $text, ticket: $ticket, id: $id}' >"$work/request"
	set -- request - --json
	[ -z "$delist" ] || set -- "$@" "$delist"
	[ -z "$dry" ] || set -- "$@" "$dry"
	[ -z "$socket" ] || set -- "$@" "--socket=$socket"
	status=0
	"$blctl" "$@" <"$work/request" >"$work/result" 2>"$work/trouble" 9<&- || status=$?
	case $status in
	0 | 2 | 3 | 4) ;;
	*) try_later "$reference: $(head -1 "$work/trouble")" ;;
	esac
	[ -s "$work/result" ] || try_later "$reference: $(head -1 "$work/trouble")"
	jq -j 'if .ok and (.no_answer // "") == "" then .letter // "" else "" end' "$work/result" >"$work/letter"
}
