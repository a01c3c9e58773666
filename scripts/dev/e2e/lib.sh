# What the end-to-end scripts share. The runner sets BIN (the programs), LIB (this
# file) and ROOT (the project), and gives each script an empty working directory.
# shellcheck shell=sh
set -eu

"$ROOT/scripts/dev/need" dig=bind9-dnsutils ss=iproute2

fail() {
	echo "FAIL: $*" >&2
	[ ! -s dnsbld.log ] || tail -20 dnsbld.log >&2
	exit 1
}

# started PROCESS: ends with the script, at the latest.
STARTED=
started() { STARTED="$STARTED $1"; }
end_started() {
	for process in $STARTED; do
		kill "$process" 2>/dev/null || :
	done
}
trap end_started EXIT

# free_port: a port that nothing has just now, for UDP and TCP, another at each call.
# It is none that the system gives to those who ask for any (ip_local_port_range).
free_port() {
	while :; do
		port=$((20000 + $(od -An -N2 -tu2 /dev/urandom) % 12000))
		if is_free "$port" && ! grep -qsx "$port" ports; then
			echo "$port" | tee -a ports
			return
		fi
	done
}
# is_free PORT: nothing has it. is_quiet FILTER: nothing listens where ss(8) looks by it.
is_quiet() { ! ss -Hlnut "$1" | grep -q .; }
is_free() { ! ss -Hanut "sport = :$1" | grep -v -e TIME-WAIT | grep -q .; }

# start_dnsbld [FLAG ...]: the daemon on $DNS_PORT with its data in ./data; sets
# DNSBLD to its process.
start_dnsbld() {
	start_dnsbld_on data "$@"
}

# start_dnsbld_on DATA [FLAG ...]: the same with its data elsewhere.
start_dnsbld_on() {
	data=$1
	shift
	echo "-- dnsbld --data $data $*" >>dnsbld.log
	"$BIN/dnsbld" serve --data "$data" --socket data/control.sock --listen "127.0.0.1:$DNS_PORT" "$@" >>dnsbld.log 2>&1 &
	DNSBLD=$!
	started "$DNSBLD"
	wait_for "dnsbld ready" is_ready
}

# start_resolver <RECORDS: unbound on 127.0.0.1:53 of a namespace. It has bl.test from
# dnsbld, RECORDS, lines such as "mail.sender.example. A 203.0.113.20", and no other
# name; it forgets at once.
start_resolver() {
	"$ROOT/scripts/dev/need" /usr/sbin/unbound=unbound
	{
		cat <<CONF
server:
  interface: 127.0.0.1@53
  do-daemonize: no
  username: ""
  chroot: ""
  directory: "$PWD"
  pidfile: ""
  use-syslog: no
  logfile: "$PWD/unbound.log"
  do-not-query-localhost: no
  cache-max-ttl: 0
  cache-max-negative-ttl: 0
  infra-host-ttl: 0
  module-config: "iterator"
  local-zone: "test." nodefault
  local-zone: "." static
  local-zone: "bl.test." transparent
CONF
		for zone in example. 2.0.192.in-addr.arpa. 100.51.198.in-addr.arpa. 113.0.203.in-addr.arpa.; do
			echo "  local-zone: \"$zone\" static"
		done
		sed 's/.*/  local-data: "&"/'
		cat <<CONF
stub-zone:
  name: "bl.test."
  stub-addr: 127.0.0.1@$DNS_PORT
remote-control:
  control-enable: no
CONF
	} >unbound.conf
	/usr/sbin/unbound -c unbound.conf >/dev/null 2>&1 &
	started $!
	wait_for "unbound" dig +time=1 +tries=1 @127.0.0.1 example. SOA
}

# resolver_waits SECONDS TIMES: how long the programs of a namespace whose resolv.conf
# this is wait for unbound. It says nothing while dnsbld is away; and when it is slow a
# mail server takes that for "not listed".
resolver_waits() { printf '%s\n' "nameserver 127.0.0.1" "options timeout:$1 attempts:$2" >resolv.conf; }

# start_journald: systemd's journal, alone, with its own /run and /dev/log in this
# mount namespace; journal prints it as `journalctl -o json`.
start_journald() {
	"$ROOT/scripts/dev/need" /usr/lib/systemd/systemd-journald=systemd
	mkdir dev
	mount -t tmpfs tmpfs dev
	for device in null zero full random urandom; do
		touch dev/$device
		mount --bind /dev/$device dev/$device
	done
	ln -s /proc/self/fd dev/fd
	ln -s /run/systemd/journal/dev-log dev/log
	mount --bind dev /dev
	mount -t tmpfs tmpfs /run
	mkdir -p /run/systemd/journal /run/log/journal
	# A flood of lines is no reason to drop some: a test sends more than a mail server.
	printf '%s\n' '[Journal]' 'RateLimitBurst=0' 'Storage=volatile' >journald.conf
	mkdir -p /run/systemd/journald.conf.d
	cp journald.conf /run/systemd/journald.conf.d/test.conf
	/usr/lib/systemd/systemd-journald >journald.log 2>&1 &
	started $!
	wait_for "the journal" test -S /run/systemd/journal/dev-log
}
journal() { journalctl --directory=/run/log/journal --output=json --no-pager; }

is_ready() {
	kill -0 "$DNSBLD" 2>/dev/null || fail "dnsbld ended"
	awk '/^-- dnsbld/ { ready = 0 } /[ =]ready$/ { ready = 1 } END { exit !ready }' dnsbld.log
}

# wait_for WHAT COMMAND ...: until the command succeeds, for two minutes at least. The
# command looks, and changes nothing: it comes at any moment, and often.
wait_for() {
	what=$1
	shift
	tries=0
	until "$@" >/dev/null 2>&1; do
		tries=$((tries + 1))
		[ "$tries" -lt 2400 ] || fail "waited in vain for: $what"
		sleep 0.05
	done
}

# serial_at SERVER [ZONE [PORT]]: of its SOA record; nothing while it does not answer.
serial_at() {
	dig +norec +short +time=3 +tries=2 "@$1" -p "${3-53}" "${2-bl.test}" SOA 2>/dev/null | awk '$3 ~ /^[0-9]+$/ { print $3 }'
}

blctl() { "$BIN/blctl" --socket data/control.sock "$@"; }

# reversed ADDRESS: its labels in reverse, as a blocklist is asked.
reversed() { echo "$1" | awk -F. '{ print $4 "." $3 "." $2 "." $1 }'; }

# answer NAME [TYPE] [PORT]: the rcode and the answers on one line.
answer() {
	dig +time=5 +tries=5 @127.0.0.1 -p "${3-$DNS_PORT}" "$1" "${2-A}" +noall +answer +comments |
		sed -n -e 's/^;; ->>HEADER.*status: \([A-Z]*\).*/\1/p' -e 's/^[^;][^ \t]*[ \t]*[0-9]*[ \t]*IN[ \t]*//p' | tr '\t\n' '  '
}

# unanswered CODE [PORT] <ADDRESSES: those that are not answered with CODE.
unanswered() {
	sort -u >asked
	awk -F. '{ print $4 "." $3 "." $2 "." $1 ".bl.test A" }' asked >names
	dig +time=5 +tries=5 @127.0.0.1 -p "${2-$DNS_PORT}" +noall +answer -f names |
		awk -v code="$1" '$5 == code { split($1, label, "."); print label[4] "." label[3] "." label[2] "." label[1] }' |
		sort -u | comm -23 asked -
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
