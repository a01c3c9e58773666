package feed_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"dnsbld/listing"
	"dnsbld/listing/feed"
)

var imported = feed.Options{Reason: listing.Imported}

func TestIP4Set(t *testing.T) {
	expect(t, "rbldnsd:ip4set", `# the examples of rbldnsd(8)
127.0.0.0/24
127.0.0
127/24
127-127.0.0
127.0.0.0-127.0.0.255
127.0.0.1-255
127.16.0.0-127.31.255.255
127.16.0-127.31.255
127.16-127.31
127.16-31
127.16.0.0/12
127.16.0/12
127.16/12
127.16.0-31
  127/8 ; loopback network
`, imported, `
127.0.0.0/24 23
127.0.0.0/24 23
127.0.0.0/24 23
127.0.0.0/24 23
127.0.0.0/24 23
127.0.0.1 23
127.0.0.2/31 23
127.0.0.4/30 23
127.0.0.8/29 23
127.0.0.16/28 23
127.0.0.32/27 23
127.0.0.64/26 23
127.0.0.128/25 23
127.16.0.0/12 23
127.16.0.0/12 23
127.16.0.0/12 23
127.16.0.0/12 23
127.16.0.0/12 23
127.16.0.0/12 23
127.16.0.0/12 23
127.16.0.0/19 23
127.0.0.0/8 23`)
	expect(t, "rbldnsd:ip4set", "!192.0.2.9-12 whatever\n! 192.0.2.17\n0.0.0.0-255.255.255.255\n255.255.255.255\n10-11\n", imported, `
!192.0.2.9 23
!192.0.2.10/31 23
!192.0.2.12 23
!192.0.2.17 23
0.0.0.0/0 23
255.255.255.255 23
10.0.0.0/7 23`)
}

func TestIP4SetBadLines(t *testing.T) {
	const notAddress = " is not an IPv4 address or prefix"
	for text, want := range map[string]string{
		"10":                      `"10"` + notAddress, // a number alone
		"foo":                     `"foo"` + notAddress,
		"!":                       `""` + notAddress,
		"192.0.2.256":             `"192.0.2.256"` + notAddress,
		"192.0.2.07":              `"192.0.2.07"` + notAddress,
		"192.0.2.":                `"192.0.2."` + notAddress,
		"192.0.2.1.":              `"192.0.2.1."` + notAddress,
		"192.0.2.1,":              `"192.0.2.1,"` + notAddress,
		"192.0.2.0/":              `"192.0.2.0/"` + notAddress,
		"192.0.2.0/33":            `"192.0.2.0/33"` + notAddress,
		"192.0.2.0/24/24":         `"192.0.2.0/24/24"` + notAddress,
		"192.0.2.0/+24":           `"192.0.2.0/+24"` + notAddress,
		"/24":                     `"/24"` + notAddress,
		"2001:db8::1":             `"2001"` + notAddress, // where an address of octets ends
		"192.0.2.1/24":            "192.0.2.1/24 has bits set beyond its length of 24",
		"192.0.2/16":              "192.0.2.0/16 has bits set beyond its length of 16",
		"192.0.2.9-8":             `the range "192.0.2.9-8" ends before it begins`,
		"192.0.2.9-":              `"192.0.2.9-" is not a range`,
		"-192.0.2.9":              `"-192.0.2.9" is not a range`,
		"192.0.2.1-3/24":          `"192.0.2.1-3/24" is not a range`,
		"192.0.2.1-192.0.2":       `"192.0.2.1-192.0.2" is not a range`,
		"192.0.2.1-192.0":         `"192.0.2.1-192.0" is not a range`,
		"192.0.2.1-2-3":           `"192.0.2.1-2-3" is not a range`,
		"192.0.2.1 - 192.0.2.9":   "a range has no white space around its dash",
		"192.0.2.1 -9":            "a range has no white space around its dash",
		"192.0.2.1 :0:text":       `"0" is not an A value`,
		"192.0.2.1 :256:text":     `"256" is not an A value`,
		"192.0.2.1 :abc:text":     `"abc" is not an A value`,
		"192.0.2.1 :1.9:text":     `"1.9" is not an A value`,
		"192.0.2.1 ::text":        `"" is not an A value`,
		"192.0.2.1 : 6 : text":    `" 6 " is not an A value`,
		"192.0.2.1 :192.0.2:text": `"192.0.2" is not an A value`,
		":abc:text":               `"abc" is not an A value`,
		":":                       `"" is not an A value`,
		"$":                       `"$" is not a special entry`,
		"$ x":                     `"$ x" is not a special entry`,
		"$1":                      `"$1" is not a special entry`,
		"$MAXRANGE4 many":         `"many" is not a size of a range`,
		"$MAXRANGE4 0":            `"0" is not a size of a range`,
		"$MAXRANGE4 /33":          `"/33" is not a size of a range`,
		"$DATASET ip4set @":       "$DATASET stands in files of type combined only",
	} {
		expect(t, "rbldnsd:ip4set", "192.0.2.100\n"+text+"\n192.0.2.101\n", imported, "192.0.2.100 23\nline 2: "+want+"\n192.0.2.101 23")
	}
}

func TestValues(t *testing.T) {
	o := feed.Options{Map: map[string]listing.Reason{"127.0.0.2": 20, "127.0.0.5": 5, "127.0.1.9": 21}, Reason: 23}
	file := `192.0.2.100
:127.0.0.2:default $
192.0.2.1
192.0.2.2 :5
192.0.2.3 :5:
192.0.2.4 text $ and $$ here
192.0.2.5 :127.0.1.9:own $, [$]
192.0.2.6 # comment
192.0.2.7;comment
192.0.2.8 text # goes on
192.0.2.9:5:near
192.0.2.10	=bare
192.0.2.11 :9: $ is bad
198.51.100.0/24 $ sends
:6
192.0.2.12
:5:
192.0.2.13
`
	expect(t, "rbldnsd:ip4set", file, o, `
192.0.2.100 20
192.0.2.1 20
192.0.2.2 5
192.0.2.3 5
192.0.2.4 20 public "text 192.0.2.4 and $ here"
192.0.2.5 21 public "own 192.0.2.5, [192.0.2.5]"
192.0.2.6 20
192.0.2.7 20
192.0.2.8 20 public "text # goes on"
192.0.2.9 5 public "near"
192.0.2.10 20 public "bare"
192.0.2.11 23 public "is bad"
198.51.100.0/24 20 public "sends"
192.0.2.12 23
192.0.2.13 5`)
	o.DefaultTexts = true
	expect(t, "rbldnsd:ip4trie", ":2:default $\n192.0.2.1\n192.0.2.2 :5\n192.0.2.3 :5:\n198.51.100/24\n", o, `
192.0.2.1 20 public "default 192.0.2.1"
192.0.2.2 5 public "default 192.0.2.2"
192.0.2.3 5
198.51.100.0/24 20 public "default 198.51.100.0/24"`)
}

// The examples of rbldnsd(8), and what rbldnsd makes of odd ones.
func TestSubstitution(t *testing.T) {
	expect(t, "rbldnsd:ip4set", `$1 See http://www.example.com/bl
$2 for details
$1 the first definition counts
192.0.2.2  $1/spammer/$ $2
192.0.2.3  $1/relay/$ $2
192.0.2.4  This spammer wants some $$$$.  $1/$
192.0.2.5  $3 $x $10
`, imported, `
192.0.2.2 23 public "See http://www.example.com/bl/spammer/192.0.2.2 for details"
192.0.2.3 23 public "See http://www.example.com/bl/relay/192.0.2.3 for details"
192.0.2.4 23 public "This spammer wants some $$.  See http://www.example.com/bl/192.0.2.4"
192.0.2.5 23 public "$3 192.0.2.5x See http://www.example.com/bl0"`)
	file := `$= See http://www.example.com/bl?$= ($) for details
192.0.2.2	r123
192.0.2.3
192.0.2.4	=See other blocklists for details about $
192.0.2.5	$1 $
`
	expect(t, "rbldnsd:ip4set", file, imported, `
192.0.2.2 23 public "See http://www.example.com/bl?r123 (192.0.2.2) for details"
192.0.2.3 23
192.0.2.4 23 public "See other blocklists for details about 192.0.2.4"
192.0.2.5 23 public "See http://www.example.com/bl?$1 $ (192.0.2.5) for details"`)
	o := imported
	o.DefaultTexts = true
	expect(t, "rbldnsd:ip4set", strings.Join(strings.Split(file, "\n")[:3], "\n"), o, `
192.0.2.2 23 public "See http://www.example.com/bl?r123 (192.0.2.2) for details"
192.0.2.3 23 public "See http://www.example.com/bl?192.0.2.3 (192.0.2.3) for details"`)
}

func TestSpecials(t *testing.T) {
	expect(t, "rbldnsd:ip4set", `$SOA 1w ns1.ex.test admin.ex.test 0 2h 2h 1w 1h
$NS 1w ns1.ex.test -ns2.ex.test
#$TTL 300
:$TIMESTAMP 2026:01:02
;$MAXRANGE4 /24
$MAXRANGE4	512
198.51.0.0/16
198.51.100.0/24
198.51.101.0-198.51.102.0
198.51.100-101
$MAXRANGE4 4
!192.0.2.0/29
192.0.2.0/30
`, imported, `
line 7: the entry has 65536 addresses, and $MAXRANGE4 of this file allows 256
198.51.100.0/24 23
line 9: the entry has 257 addresses, and $MAXRANGE4 of this file allows 256
line 10: the entry has 512 addresses, and $MAXRANGE4 of this file allows 256
line 12: the entry has 8 addresses, and $MAXRANGE4 of this file allows 4
192.0.2.0/30 23`)
}

func TestTimestamp(t *testing.T) {
	o := imported
	o.Now = time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	const file = "192.0.2.1\n$TIMESTAMP %s\n192.0.2.2\n!198.51.100.1\n"
	for stamp, end := range map[string]string{
		"2026:11:26":                     "",
		"0":                              "",
		"- -":                            "",
		"20261126":                       "",
		"2026-11-26-11-59-59":            "",
		"2026:11:26:12 2026:12:24":       " until 2026-12-24T00:00:00Z",
		"2026-11-26:10 +2d":              " until 2026-11-28T10:00:00Z",
		"2026-11-26:10\t+7201":           " until 2026-11-26T12:00:01Z",
		"0 2026-11-26:12:00:01":          " until 2026-11-26T12:00:01Z",
		"2026:11:01 9999:12:31:23:59:59": "",
	} {
		expect(t, "rbldnsd:ip4set", fmt.Sprintf(file, stamp), o, "192.0.2.1 23\n192.0.2.2 23"+end+"\n!198.51.100.1 23"+end)
	}
	for stamp, want := range map[string]string{
		"2026:11:26:12:00:01":      "the file says that it was made on 2026-11-26T12:00:01Z, which is yet to come",
		"2026:11:01 2026:11:26:12": "the file says that it was good until 2026-11-26T12:00:00Z",
		"2026:11:01 +3w":           "the file says that it was good until 2026-11-22T00:00:00Z",
	} {
		expect(t, "rbldnsd:ip4set", fmt.Sprintf(file, stamp), o, "192.0.2.1 23\nerror: "+want)
	}
	for _, stamp := range []string{"2026", "2026/11/26", "2026:11:26:1", "20261399", "2026:11:01 soon", "2026:11:01 +soon", "0 +2d", "2026:11:01 +1d x", "1969:12:31"} {
		expect(t, "rbldnsd:ip4set", "$TIMESTAMP "+stamp+"\n", o, `line 1: "`+stamp+`" is not a time and an end`)
	}
}

func TestIP4Trie(t *testing.T) {
	expect(t, "rbldnsd:ip4trie", "192.0.2.1\n192.0.2/24 :3\n192.0.2\n10.0/16\n10/8\n!192.0.2.4\n0/0\n", imported, `
192.0.2.1 23
192.0.2.0/24 23
192.0.2.0/24 23
10.0.0.0/16 23
10.0.0.0/8 23
!192.0.2.4 23
0.0.0.0/0 23`)
	for text, want := range map[string]string{
		"192.0.2.8-9":     `"192.0.2.8-9" is a range, which an ip4trie does not hold`,
		"10":              `"10" is not an IPv4 address or prefix`,
		"198.51.100.1/24": "198.51.100.1/24 has bits set beyond its length of 24",
	} {
		expect(t, "rbldnsd:ip4trie", text, imported, "line 1: "+want)
	}
}

func TestIP4TSet(t *testing.T) {
	o := feed.Options{Map: map[string]listing.Reason{"127.0.0.2": 20, "127.0.0.3": 3}}
	expect(t, "rbldnsd:ip4tset", ":2:one for all\n192.0.2.1\n192.0.2.2 :3:text\n192.0.2.3 # x\n:3:too late\n192.0.2.4\n", o, `
192.0.2.1 20
192.0.2.2 20
192.0.2.3 20
192.0.2.4 20`)
	expect(t, "rbldnsd:ip4tset", "192.0.2.1\n192.0.2.2 :5:\n:3:for those before it too\n192.0.2.3\n:2:too late\n192.0.2.4\n", o, `
192.0.2.3 3
192.0.2.4 3
192.0.2.1 3
192.0.2.2 3`)
	expect(t, "rbldnsd:ip4tset", "192.0.2.1\n:99:\n192.0.2.2\n", feed.Options{Map: o.Map}, `
line 3: the value 127.0.0.99 is none of this list's own reasons
line 1: the value 127.0.0.99 is none of this list's own reasons`)
	expect(t, "rbldnsd:ip4tset", "192.0.2.1\n", feed.Options{Map: o.Map}, "192.0.2.1 20")
	expect(t, "rbldnsd:ip4tset", "192.0.2.1\n:9:\n", imported, "192.0.2.1 23") // whatever it says
	expect(t, "rbldnsd:ip4tset", "192.0.2.1\n:2:see $\n", feed.Options{Map: o.Map, DefaultTexts: true}, `192.0.2.1 20 public "see 192.0.2.1"`)
	expect(t, "rbldnsd:combined", "$DATASET ip4tset a\n192.0.2.1\n:3:\n$DATASET ip6tset b\n2001:db8:1:2\n!2001:db8:1:2::9\n$DATASET ip4tset c\n192.0.2.1\n:2:\n", feed.Options{Map: o.Map}, `
192.0.2.1 3
2001:db8:1:2::/64 20
192.0.2.1 20
!2001:db8:1:2::9 20`)
	for _, text := range []string{"192.0.2.6/32", "192.0.2", "192.0.2.8-9", "x"} {
		expect(t, "rbldnsd:ip4tset", text, imported, `line 1: "`+text+`" is not an IPv4 address, and an ip4tset holds nothing else`)
	}
	expect(t, "rbldnsd:ip4tset", "!192.0.2.6", imported, "line 1: an ip4tset holds no exclusions")
}

func TestIP6Trie(t *testing.T) {
	expect(t, "rbldnsd:ip6trie", `# Default A and TXT template values
:127.0.1.2: Listed, see http://example.com/lookup?$
2001:21ab:c000/36
2001:21ab:def7:4242 :127.0.1.3: This one smells funny
2605:6001:42::/52
::1                   # localhost
!2605:6001:42::bead   # exclusion
1:2:3:4:5:6:7:8/128
1:2:3:4:5:6:7:8
2001:db8::
2001/16
::ffff:c000:207
2002:c000:208::1
::/0
`, imported, `
2001:21ab:c000::/36 23
2001:21ab:def7:4242::/64 23 public "This one smells funny"
2605:6001:42::/52 23
::1 23
!2605:6001:42::bead 23
1:2:3:4:5:6:7:8 23
1:2:3:4:5:6:7:8 23
2001:db8:: 23
2001::/16 23
192.0.2.7 23
192.0.2.8 23
::/0 23`)
	const notAddress = " is not an IPv6 address or prefix"
	for text, want := range map[string]string{
		"2001":                   `"2001"` + notAddress,
		"192.0.2.1":              `"192.0.2.1"` + notAddress,
		"::ffff:192.0.2.1":       `"::ffff:192.0.2.1"` + notAddress,
		"2001:db8:1:":            `"2001:db8:1:"` + notAddress,
		"!":                      `""` + notAddress,
		"2001:db8::1/64":         "2001:db8::1/64 has bits set beyond its length of 64",
		"2001:db8::zz":           `"2001:db8::zz" is not an address or prefix`,
		"2001:db8::/129":         `"2001:db8::/129" is not an address or prefix`,
		"2001:db8::/":            `"2001:db8::/" is not an address or prefix`,
		"2001:db8:1:2:3:4:5:6:7": `"2001:db8:1:2:3:4:5:6:7::/144" is not an address or prefix`,
		"2001:db8:00005::1":      `"2001:db8:00005::1" is not an address or prefix`,
		"2001:db8::1%eth0":       `"2001:db8::1%eth0" is not an address or prefix`,
		"2001:db8::1 :x:text":    `"x" is not an A value`,
	} {
		expect(t, "rbldnsd:ip6trie", text, imported, "line 1: "+want)
	}
}

func TestIP6TSet(t *testing.T) {
	expect(t, "rbldnsd:ip6tset", `2001:20fe:23:41ed
abac:adab:ad00:42f text
!abac:adab:ad00:42f:face:0f:a:beef
!abac:adab:ad00:42f::2
`, imported, `
2001:20fe:23:41ed::/64 23
abac:adab:ad00:42f::/64 23
!abac:adab:ad00:42f:face:f:a:beef 23
!abac:adab:ad00:42f::2 23`)
	o := feed.Options{Map: map[string]listing.Reason{"127.0.0.2": 20, "127.0.0.3": 3}}
	expect(t, "rbldnsd:ip6tset", "2001:20fe:23:41ed\n!2001:20fe:23:41ed::1\n:3:\nffff:adab:ad00:42f\n", o, `
ffff:adab:ad00:42f::/64 3
2001:20fe:23:41ed::/64 3
!2001:20fe:23:41ed::1 3`)
	const nothingElse = " is not four groups, and an ip6tset holds nothing else"
	for text, want := range map[string]string{
		"2001:db8:1":         `"2001:db8:1"` + nothingElse,
		"2001:db8:1:2::":     `"2001:db8:1:2::"` + nothingElse,
		"2001:db8:1:2/64":    `"2001:db8:1:2/64"` + nothingElse,
		"2001:db8::1":        `"2001:db8::1"` + nothingElse,
		"!2001:db8:1:2":      `an ip6tset excludes single addresses, which "2001:db8:1:2" is not`,
		"192.0.2.1":          `"192.0.2.1" is not an IPv6 address or prefix`,
		"2001:db8:1:2:3:4:5": `"2001:db8:1:2:3:4:5"` + nothingElse,
	} {
		expect(t, "rbldnsd:ip6tset", text, imported, "line 1: "+want)
	}
}

func TestGeneric(t *testing.T) {
	o := feed.Options{Map: map[string]listing.Reason{"127.0.0.2": 20, "127.0.0.3": 3}, Reason: 23}
	expect(t, "rbldnsd:generic", `$NS 0 ns1.ex.test
www 3000 A 127.0.0.1
about TXT "no address"
@ MX 10 mx.ex.test
7.2.0.192 A 127.0.0.2
7.2.0.192 TXT "192.0.2.7 was $ bad"
8.2.0.192 1h a 127.0.0.3
9.2.0.192 txt of another
7.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2. A 127.0.0.9
2.0.192 A 127.0.0.2
10.2.0.192 A 127.0.0.2
10.2.0.192 TXT unquoted  text
`, o, `
192.0.2.7 20 public "was $ bad"
192.0.2.8 3
2001:db8::7 23
192.0.2.10 20 public "unquoted  text"`)
	for text, want := range map[string]string{
		"*.2.0.192 A 127.0.0.2": "a data set of type generic has no wildcards: this lists nothing",
		"7.2.0.192 A 3":         `"3" is not an address`,
		"7.2.0.192 A":           "the line is not a record",
		"7.2.0.192":             "the line is not a record",
		"7.2.0.192 300":         "the line is not a record",
		"7.2.0.192 NS ns.test":  `"NS" is not a type of record that a generic data set has`,
		"x CNAME y":             `"CNAME" is not a type of record that a generic data set has`,
		":2:text":               "a data set of type generic has no default values",
	} {
		expect(t, "rbldnsd:generic", text, o, "line 1: "+want)
	}
}

func TestCombined(t *testing.T) {
	expect(t, "rbldnsd:combined", `# common section
$NS 1w ns1.ex.test ns2.ex.test
$1 one
192.0.2.200
$DATASET ip4set:proxy proxies @
:2:Open proxy, see http://bl.ex.test/proxy/$
192.0.2.1
!192.0.2.3
192.0.2.2 see $1, $2
$2 two
$DATASET ip4trie:relay relays @
:3:Open relay
192.0.2.1 $1 $2
$DATASET dnset names
foo.example
$DATASET ip6trie @
2001:db8::1 :4
$DATASET generic:common proxies relays @
@ A 127.0.0.8
4.2.0.192 A 127.0.0.5
$DATASET ip4tset x
192.0.2.9
`, feed.Options{Map: map[string]listing.Reason{"127.0.0.4": 4}}, `
line 4: the line belongs to no data set
192.0.2.1 2
192.0.2.2 2 public "see one, $2"
192.0.2.1 3 public "one $2"
line 14: "dnset" is not a type of data set that lists addresses: its lines are left out
2001:db8::1 4
192.0.2.4 5
line 22: the line names no reason
!192.0.2.3 2`)
}

// An exclusion counts for every reason that its data set lists for, also for
// those named after it.
func TestExclusionsOfSeveralReasons(t *testing.T) {
	file := "!192.0.2.9\n:2:x\n192.0.2.0/24\n:3:y\n192.0.0.0/16\n!198.51.100.0/24\n"
	expect(t, "rbldnsd:ip4trie", file, feed.Options{}, `
192.0.2.0/24 2
192.0.0.0/16 3
!192.0.2.9 2
!192.0.2.9 3
!198.51.100.0/24 2
!198.51.100.0/24 3`)
	expect(t, "rbldnsd:ip4trie", "!192.0.2.9\n", feed.Options{}, "")
	expect(t, "rbldnsd:ip4trie", "!192.0.2.9\n", feed.Options{Reason: 23, Map: map[string]listing.Reason{"127.0.0.2": 2}}, "!192.0.2.9 23")
}

func TestExclusionLine(t *testing.T) {
	r, err := feed.Read(strings.NewReader("!192.0.2.9\n:2:x\n192.0.2.0/24\n"), feed.Options{Format: "rbldnsd:ip4trie", Reasons: catalogue(t)})
	if err != nil {
		t.Fatal(err)
	}
	for e, err := range r.Entries() {
		if want := map[bool]int{true: 1, false: 3}[e.Except]; err != nil || r.Line() != want {
			t.Errorf("%s at line %d, %v", show(e), r.Line(), err)
		}
	}
}

// A text that says no more than this list says anyway is not kept.
func TestOwnTexts(t *testing.T) {
	text := "greeted our servers with an IP address instead of a host name in HELO"
	expect(t, "rbldnsd:ip4trie", ":2:\n192.0.2.1 :2:192.0.2.1 "+text+"\n192.0.2.2 $ "+text+".\n", feed.Options{}, `
192.0.2.1 2
192.0.2.2 2 public "`+text+`."`)
}

func TestHostileTexts(t *testing.T) {
	expect(t, "rbldnsd:ip4set", "$1 "+strings.Repeat("$", 400)+"\n192.0.2.1 a\x1b[31m\n192.0.2.2 "+strings.Repeat("x", 300)+"\n192.0.2.3 "+strings.Repeat("$1", 3000)+"\n", imported,
		"192.0.2.1 23 public \"a\\\\x1b[31m\"\n192.0.2.2 23 public \""+strings.Repeat("x", 200)+"\"\n192.0.2.3 23 public \""+strings.Repeat("$", 200)+"\"")
}
