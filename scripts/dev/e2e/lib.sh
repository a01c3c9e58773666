# What the end-to-end scripts share. The runner sets BIN (the two programs),
# LIB (this file) and ROOT (the project), and gives each script an empty
# working directory.
# shellcheck shell=sh
set -eu

"$ROOT/scripts/dev/need" dig=bind9-dnsutils

fail() {
	echo "FAIL: $*" >&2
	[ ! -s dnsbld.log ] || tail -20 dnsbld.log >&2
	exit 1
}

# free_port: a port that nothing has just now, for UDP and TCP.
free_port() {
	while :; do
		port=$((20000 + $(od -An -N2 -tu2 /dev/urandom) % 12000))
		if ! ss -Hlnut "sport = :$port" | grep -q .; then
			echo "$port"
			return
		fi
	done
}

# start_dnsbld [FLAG ...]: the daemon on $DNS_PORT with its data in ./data; sets
# DNSBLD to its process.
start_dnsbld() {
	"$BIN/dnsbld" serve --data data --socket data/control.sock --listen "127.0.0.1:$DNS_PORT" "$@" >>dnsbld.log 2>&1 &
	DNSBLD=$!
	wait_for "dnsbld ready" tail_ready
}

tail_ready() {
	kill -0 "$DNSBLD" 2>/dev/null || fail "dnsbld ended"
	tail -1 dnsbld.log | grep -q 'ready$'
}

# wait_for WHAT COMMAND ...: until the command succeeds, for 20 seconds.
wait_for() {
	what=$1
	shift
	tries=0
	until "$@" >/dev/null 2>&1; do
		tries=$((tries + 1))
		[ "$tries" -lt 200 ] || fail "waited in vain for: $what"
		sleep 0.1
	done
}

blctl() { "$BIN/blctl" --socket data/control.sock "$@"; }

# reversed ADDRESS: its labels in reverse, as a blocklist is asked.
reversed() { echo "$1" | awk -F. '{ print $4 "." $3 "." $2 "." $1 }'; }

# answer NAME [TYPE] [PORT]: the rcode and the answers on one line.
answer() {
	dig +norecurse +time=3 +tries=2 @127.0.0.1 -p "${3-$DNS_PORT}" "$1" "${2-A}" +noall +answer +comments |
		sed -n -e 's/^;; ->>HEADER.*status: \([A-Z]*\).*/\1/p' -e 's/^[^;][^ \t]*[ \t]*[0-9]*[ \t]*IN[ \t]*//p' | tr '\t\n' '  '
}

# expect WANT GOT WHAT
expect() {
	case $2 in
	*"$1"*) ;;
	*) fail "$3: wanted $1, got $2" ;;
	esac
}

DNS_PORT=$(free_port)
export DNS_PORT
trap 'kill "${DNSBLD-0}" 2>/dev/null || :' EXIT
